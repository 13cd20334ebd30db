import { type LinuxSeccomp, type LinuxSyscall, OrlopError } from "@orlop/core";
import { syscallId } from "../abi/syscall-numbers/syscall-numbers.ts";
import { type ArgumentCondition, parseCondition } from "./argument-condition.ts";
import { multiplexedCall } from "./multiplexed-calls.ts";
import { seccompReturn } from "./seccomp-action.ts";

/** A verdict for one system call of a config, still without number. */
export interface ProfileRule {
  /** The call's name, for errors. */
  readonly call: string;
  readonly verdict: number;
  /** One list for each way to match; a list without conditions always matches. */
  readonly alternatives: readonly (readonly ArgumentCondition[])[];
  /** Where the rule stands in config.json. */
  readonly field: string;
}

/** A rule for a call that some architectures also make through socketcall(2) or ipc(2), or for one of those two. */
interface MultiplexedRule {
  readonly multiplexerId: number;
  /** What the first argument says, when the rule is for one of the calls behind it. */
  readonly subcall: number | undefined;
  readonly rule: ProfileRule;
}

/** The rules of a config, checked, by {@link syscallId}. */
export interface ProfileRules {
  /** A call's verdict when it has exactly one, whatever its arguments are. */
  readonly verdicts: ReadonlyMap<number, number>;
  /** The rules of the other calls, in the order of the config. */
  readonly conditional: ReadonlyMap<number, readonly ProfileRule[]>;
  /** Again the rules that concern socketcall(2) and ipc(2), in the order of the config. */
  readonly multiplexed: readonly MultiplexedRule[];
  /** Every call that the config mentions, also in rules that say nothing new: what its author knew of. */
  readonly knownIds: ReadonlySet<number>;
  /** Names that no architecture of the kernel has; such a name cannot be called either. */
  readonly ignoredNames: readonly string[];
}

/** Where `linux.seccomp` stands in config.json, for the errors. */
export const SECCOMP_FIELD = "linux.seccomp";

const always: readonly (readonly ArgumentCondition[])[] = [[]];

/**
 * Conditions of one rule must all hold, unless two of them look at the same argument. Then each stands for itself:
 * docker once wrote profiles that way, and runc and crun keep it.
 */
function parseAlternatives({ args = [] }: LinuxSyscall, field: string): readonly (readonly ArgumentCondition[])[] {
  if (args.length === 0) return always;
  const conditions = args.map((arg, index) => parseCondition(arg, `${field}.args[${index}]`));
  const repeats = new Set(conditions.map(({ index }) => index)).size < conditions.length;
  return repeats ? conditions.map((condition) => [condition]) : [conditions];
}

function refuseNotify({ names, action }: LinuxSyscall, field: string): void {
  if (action !== "SCMP_ACT_NOTIFY" || !names.includes("write")) return;
  // runc refuses it too: a container's first process reports its progress with it before anyone can answer.
  const message =
    'Cannot notify on system call "write": SCMP_ACT_NOTIFY cannot be used for the write syscall, by which the listener is handed over';
  throw new OrlopError("unsupported", message, { field });
}

/** Collects rules by call. */
class RuleCollector {
  readonly verdicts = new Map<number, number>();
  readonly conditional = new Map<number, ProfileRule[]>();
  readonly multiplexed: MultiplexedRule[] = [];

  add(id: number, rule: ProfileRule): void {
    const { call, verdict, alternatives } = rule;
    const multiplexer = multiplexedCall(call);
    if (multiplexer !== undefined) {
      this.multiplexed.push({ multiplexerId: syscallId(multiplexer.call) ?? -1, subcall: multiplexer.number, rule });
    } else if (call === "socketcall" || call === "ipc") {
      this.multiplexed.push({ multiplexerId: id, subcall: undefined, rule });
    }
    const rules = this.conditional.get(id);
    if (rules !== undefined) {
      rules.push(rule);
      return;
    }
    const earlier = this.verdicts.get(id);
    if (earlier !== undefined && alternatives === always) return; // The first rule without conditions wins.
    if (alternatives === always) this.verdicts.set(id, verdict);
    else if (earlier === undefined) this.conditional.set(id, [rule]);
  }
}

/**
 * Checks the rules of a config.
 *
 * @param defaultVerdict a rule with the same verdict says nothing and is left out, as runc and crun do
 * @throws OrlopError `invalid`, `unsupported`
 */
export function parseProfileRules({ syscalls = [] }: LinuxSeccomp, defaultVerdict: number): ProfileRules {
  const knownIds = new Set<number>();
  const ignoredNames = new Set<string>();
  const collector = new RuleCollector();
  for (const [index, syscall] of syscalls.entries()) {
    const field = `${SECCOMP_FIELD}.syscalls[${index}]`;
    const verdict = seccompReturn(syscall.action, syscall.errnoRet, field);
    const alternatives = parseAlternatives(syscall, field);
    refuseNotify(syscall, field);
    for (const call of syscall.names) {
      const id = syscallId(call);
      if (id === undefined) {
        ignoredNames.add(call);
        continue;
      }
      knownIds.add(id);
      if (verdict !== defaultVerdict) collector.add(id, { call, verdict, alternatives, field });
    }
  }
  const { verdicts, conditional, multiplexed } = collector;
  return { verdicts, conditional, multiplexed, knownIds, ignoredNames: [...ignoredNames] };
}
