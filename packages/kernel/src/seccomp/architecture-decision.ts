import type { SeccompArchitecture } from "../abi/syscall-numbers/seccomp-architecture.ts";
import { syscallColumn } from "../abi/syscall-numbers/syscall-numbers.ts";
import { type ArgumentCondition, narrowCondition } from "./argument-condition.ts";
import { BPF_CODES } from "./bpf-instruction.ts";
import { CallRules } from "./call-rules.ts";
import { DecisionGraph, type DecisionNode, type DecisionRange } from "./decision-graph.ts";
import { NUMBER_MAX, type NumberRange, numberRanges, sharedNumberRanges } from "./number-ranges.ts";
import type { ProfileRule, ProfileRules } from "./profile-rules.ts";
import { RETURN_ENOSYS, SECCOMP_RETURNS } from "./seccomp-action.ts";
import { SECCOMP_DATA } from "./seccomp-data.ts";

interface DecisionDefaults {
  /** For calls that no rule matches. */
  readonly defaultVerdict: number;
  /** Whether calls that are newer than the profile get ENOSYS instead. */
  readonly answersNewCalls: boolean;
}

/** libseccomp's SCMP_FLTATR_ACT_BADARCH, which neither runc nor crun changes. */
const foreignVerdict = SECCOMP_RETURNS.KILL_THREAD;

const word = 0xffff_ffff;

/** What makes socketcall(2) or ipc(2) the given call: its first argument, in place of what the rule says of that. */
function multiplexed(conditions: readonly ArgumentCondition[], low: number): readonly ArgumentCondition[] {
  const number: ArgumentCondition = {
    index: 0,
    compare: "equal",
    negated: false,
    value: { high: 0, low },
    mask: { high: word, low: word },
  };
  return [number, ...conditions.filter(({ index }) => index !== 0)];
}

/** Decides about the calls of the architectures that share a value of `seccomp_data.arch`. */
class NumberDecision {
  readonly #graph: DecisionGraph;
  readonly #rules: ProfileRules;
  readonly #nodes: Readonly<Record<NumberRange["kind"], DecisionNode>>;
  readonly #byNumber = new Map<number, DecisionNode>();

  constructor(graph: DecisionGraph, rules: ProfileRules, { defaultVerdict, answersNewCalls }: DecisionDefaults) {
    const known = graph.verdict(defaultVerdict);
    this.#graph = graph;
    this.#rules = rules;
    this.#nodes = {
      known,
      new: answersNewCalls ? graph.verdict(RETURN_ENOSYS) : known,
      foreign: graph.verdict(foreignVerdict),
    };
  }

  /** Adds the decisions for the calls that the profile names. */
  addCalls(architecture: SeccompArchitecture): void {
    const { verdicts, conditional } = this.#rules;
    const column = syscallColumn(architecture);
    for (const [id, verdict] of verdicts) {
      const number = column[id] ?? -1;
      if (number !== -1) this.#byNumber.set(number, this.#graph.verdict(verdict));
    }
    for (const [id, rules] of conditional) {
      const number = column[id] ?? -1;
      if (number === -1) continue;
      const call = new CallRules();
      for (const rule of rules) for (const given of rule.alternatives) this.#addRule(call, architecture, rule, given);
      this.#byNumber.set(number, this.#decide(call, architecture));
    }
    if (architecture.multiplexes) this.#addMultiplexers(architecture);
    if (architecture.name === "SCMP_ARCH_S390" || architecture.name === "SCMP_ARCH_S390X") this.#addS390(architecture);
  }

  /**
   * Where calls can also be made through socketcall(2) and ipc(2), a rule for such a call is one for those, too, as in
   * libseccomp. The call's own arguments lie in memory, so what the rule says of the first cannot be checked, and what
   * it says of the others is compared with whatever socketcall(2) has there.
   */
  #addMultiplexers(architecture: SeccompArchitecture): void {
    const column = syscallColumn(architecture);
    const calls = new Map<number, CallRules>();
    for (const { multiplexerId, subcall, rule } of this.#rules.multiplexed) {
      const number = column[multiplexerId] ?? -1;
      const call = calls.get(number) ?? new CallRules();
      calls.set(number, call);
      for (const given of rule.alternatives) {
        this.#addRule(call, architecture, rule, subcall === undefined ? given : multiplexed(given, subcall));
      }
    }
    calls.delete(-1);
    for (const [number, call] of calls) this.#byNumber.set(number, this.#decide(call, architecture));
  }

  /**
   * s390 passes numbers above 255 in a register. When the kernel does not know such a number, the filter sees 0, which
   * was setup(2) and is no call any more. runc answers it with ENOSYS whatever the profile says.
   */
  #addS390(architecture: SeccompArchitecture): void {
    const hasNew = numberRanges(architecture, this.#rules).some(({ kind }) => kind === "new");
    if (hasNew) this.#byNumber.set(0, this.#nodes.new);
  }

  #addRule(
    call: CallRules,
    { wordBits }: SeccompArchitecture,
    rule: ProfileRule,
    given: readonly ArgumentCondition[],
  ): void {
    call.add(wordBits === 32 ? given.map(narrowCondition) : given, rule.verdict, rule.call, rule.field);
  }

  #decide(call: CallRules, { littleEndian }: SeccompArchitecture): DecisionNode {
    return call.decide(this.#graph, littleEndian, this.#nodes.known);
  }

  /** The search for the number, and what follows. */
  finish(sharing: readonly SeccompArchitecture[]): DecisionNode {
    const numbers = Uint32Array.from(this.#byNumber.keys()).sort();
    const ranges: DecisionRange[] = [];
    const push = (start: number, node: DecisionNode): void => {
      if (ranges.at(-1)?.node !== node) ranges.push({ start, node });
    };
    const spaces = sharedNumberRanges(sharing, this.#rules);
    let at = 0;
    for (const [index, { start, kind }] of spaces.entries()) {
      const end = spaces[index + 1]?.start ?? NUMBER_MAX + 1;
      let next = start;
      for (; at < numbers.length; at += 1) {
        const number = numbers[at] ?? end;
        if (number >= end) break;
        if (number > next) push(next, this.#nodes[kind]);
        push(number, this.#byNumber.get(number) ?? this.#nodes[kind]);
        next = number + 1;
      }
      if (next < end) push(next, this.#nodes[kind]);
    }
    return this.#graph.load(SECCOMP_DATA.nr, this.#graph.search(ranges));
  }
}

/** The whole decision of a filter: architecture, number, arguments. */
export function decideArchitectures(
  architectures: readonly SeccompArchitecture[],
  rules: ProfileRules,
  defaults: DecisionDefaults,
): DecisionNode {
  const graph = new DecisionGraph();
  const groups = Map.groupBy(architectures, ({ auditArch }) => auditArch);
  let next = graph.verdict(foreignVerdict);
  // The native architecture is the first and is compared first.
  for (const [auditArch, sharing] of [...groups].reverse()) {
    const decision = new NumberDecision(graph, rules, defaults);
    for (const architecture of sharing) decision.addCalls(architecture);
    next = graph.branch(BPF_CODES.JEQ_K, auditArch, decision.finish(sharing), next);
  }
  return graph.load(SECCOMP_DATA.arch, next);
}
