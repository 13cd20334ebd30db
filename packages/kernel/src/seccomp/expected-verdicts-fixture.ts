import type { LinuxSeccomp, LinuxSeccompArch, LinuxSeccompArg, LinuxSyscall } from "@orlop/core";
import { type SeccompArchitecture, seccompArchitecture } from "../abi/syscall-numbers/seccomp-architecture.ts";
import { syscallNames, syscallNumber } from "../abi/syscall-numbers/syscall-numbers.ts";
import type { FilteredCall } from "./bpf-interpreter.ts";
import { type MultiplexedCall, multiplexedCall } from "./multiplexed-calls.ts";
import { seccompReturn } from "./seccomp-action.ts";

const kill = 0;
const enosys = 0x5_0026;
const x32Bit = 0x4000_0000;
const minusOne = 0xffff_ffff;

/** Compares as the OCI spec says, with whole numbers; the compiler works on halves. */
function holds({ op, value, valueTwo = 0 }: LinuxSeccompArg, argument: bigint, wordBits: 32 | 64): boolean {
  const [a, b, two] = [argument, BigInt(value), BigInt(valueTwo)].map((each) => BigInt.asUintN(wordBits, each));
  if (a === undefined || b === undefined || two === undefined) return false;
  switch (op) {
    case "SCMP_CMP_NE":
      return a !== b;
    case "SCMP_CMP_LT":
      return a < b;
    case "SCMP_CMP_LE":
      return a <= b;
    case "SCMP_CMP_EQ":
      return a === b;
    case "SCMP_CMP_GE":
      return a >= b;
    case "SCMP_CMP_GT":
      return a > b;
    case "SCMP_CMP_MASKED_EQ":
      return (a & b) === (two & b);
  }
}

function matches(args: readonly LinuxSeccompArg[], call: FilteredCall, { wordBits }: SeccompArchitecture): boolean {
  const results = args.map((arg) => holds(arg, BigInt(call.args?.[arg.index] ?? 0), wordBits));
  const repeats = new Set(args.map(({ index }) => index)).size < args.length;
  return repeats ? results.some(Boolean) : results.every(Boolean);
}

/** A rule as it concerns one number: its arguments, with those of socketcall(2) in place where it goes through that. */
interface ConcerningRule {
  readonly rule: LinuxSyscall;
  readonly args: readonly LinuxSeccompArg[];
}

/** Decides about calls by reading a config as its author would, rule by rule; slow, and nothing like a compiler. */
export class ExpectedVerdicts {
  readonly #seccomp: LinuxSeccomp;
  readonly #architectures: readonly SeccompArchitecture[];
  readonly #namesByNumber = new Map<LinuxSeccompArch, ReadonlyMap<number, readonly string[]>>();
  readonly #defaultVerdict: number;

  constructor(seccomp: LinuxSeccomp, nativeArch: LinuxSeccompArch) {
    this.#seccomp = seccomp;
    const names = new Set([nativeArch, ...(seccomp.architectures ?? [])]);
    this.#architectures = [...names].map((name) => seccompArchitecture(name)).filter((each) => each !== undefined);
    this.#defaultVerdict = seccompReturn(seccomp.defaultAction, seccomp.defaultErrnoRet, "");
  }

  /** The verdicts of which one is right; more than one only where several rules with conditions match. */
  of(call: FilteredCall): ReadonlySet<number> {
    const sharing = this.#architectures.filter(({ auditArch }) => auditArch === call.arch);
    const isX32 = call.nr >= x32Bit && call.arch === 0xc000_003e;
    const has = (name: LinuxSeccompArch): boolean => sharing.some((each) => each.name === name);
    // -1 is nobody's: a tracer's way to skip a call.
    if (isX32 && call.nr === minusOne && !has("SCMP_ARCH_X32")) return new Set([this.#defaultVerdict]);
    const architecture = sharing.find(({ name }) => (name === "SCMP_ARCH_X32") === isX32);
    if (architecture === undefined) return new Set([kill]);
    // A rule for a call behind socketcall(2) is one for socketcall(2), even if the profile names nothing as new as that.
    const ruled = this.#concerning(call.nr, architecture).length > 0 && call.nr !== 0;
    if (!ruled && this.#isNew(call.nr, architecture)) return new Set([enosys]);
    return this.#verdictsOfRules(call, architecture);
  }

  #verdictsOfRules(call: FilteredCall, architecture: SeccompArchitecture): ReadonlySet<number> {
    const verdicts = new Set<number>();
    for (const { rule, args } of this.#concerning(call.nr, architecture)) {
      const verdict = seccompReturn(rule.action, rule.errnoRet, "");
      const mask = architecture.wordBits === 32 ? 0xffff_ffffn : 0xffff_ffff_ffff_ffffn;
      const conditions = args.filter(({ op, value }) => op !== "SCMP_CMP_MASKED_EQ" || (BigInt(value) & mask) !== 0n);
      const repeats = new Set(args.map(({ index }) => index)).size < args.length;
      if (conditions.length === 0 || (repeats && conditions.length < args.length)) return new Set([verdict]);
      if (matches(args, call, architecture)) verdicts.add(verdict);
    }
    return verdicts.size === 0 ? new Set([this.#defaultVerdict]) : verdicts;
  }

  /** The rules that say something, first the first without conditions: it wins wherever it stands. */
  #concerning(nr: number, architecture: SeccompArchitecture): readonly ConcerningRule[] {
    const names = this.#names(architecture).get(nr) ?? [];
    const rules = (this.#seccomp.syscalls ?? []).filter(({ action, errnoRet }) => {
      return seccompReturn(action, errnoRet, "") !== this.#defaultVerdict;
    });
    const found = rules.flatMap((rule) =>
      rule.names.flatMap((name): readonly ConcerningRule[] => {
        const args = rule.args ?? [];
        if (names.includes(name)) return [{ rule, args }];
        const multiplexed = architecture.multiplexes ? multiplexedCall(name) : undefined;
        if (multiplexed === undefined || !names.includes(multiplexed.call)) return [];
        return throughMultiplexer(rule, args, multiplexed);
      }),
    );
    return found.toSorted((a, b) => Number(a.args.length > 0) - Number(b.args.length > 0));
  }

  #isNew(nr: number, architecture: SeccompArchitecture): boolean {
    const { defaultAction, syscalls = [] } = this.#seccomp;
    if (["SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_TRACE"].includes(defaultAction)) return false;
    const own = architecture.ownNumbersFrom ?? Number.POSITIVE_INFINITY;
    const known = syscalls.flatMap(({ names }) => names.map((name) => syscallNumber(architecture.name, name) ?? 0));
    const highest = Math.max(0, ...known.filter((number) => nr >= own === number >= own));
    if (nr === 0 && architecture.name.startsWith("SCMP_ARCH_S390")) return highest > 0;
    if (Math.max(0, ...known) === 0) return false;
    if (highest === 0) return nr >= own;
    return nr > highest;
  }

  #names({ name }: SeccompArchitecture): ReadonlyMap<number, readonly string[]> {
    let names = this.#namesByNumber.get(name);
    if (names === undefined) {
      const all = syscallNames().filter((each) => syscallNumber(name, each) !== undefined);
      names = Map.groupBy(all, (each) => syscallNumber(name, each) ?? -1);
      this.#namesByNumber.set(name, names);
    }
    return names;
  }
}

function throughMultiplexer(
  rule: LinuxSyscall,
  args: readonly LinuxSeccompArg[],
  { number }: MultiplexedCall,
): readonly ConcerningRule[] {
  const first: LinuxSeccompArg = { index: 0, op: "SCMP_CMP_EQ", value: number };
  const repeats = new Set(args.map(({ index }) => index)).size < args.length;
  const lists = repeats ? args.map((arg) => [arg]) : [args];
  return lists.map((list) => ({ rule, args: [first, ...list.filter(({ index }) => index !== 0)] }));
}
