import {
  LINUX_SECCOMP_OPERATORS,
  type LinuxSeccomp,
  type LinuxSeccompAction,
  type LinuxSeccompArch,
  type LinuxSeccompArg,
  type LinuxSyscall,
} from "@orlop/core";
import type { Random } from "../program/random-program-fixture.ts";
import { multiplexedCall } from "./multiplexed-calls.ts";

/** Values at which comparisons of halves change their outcome. */
const boundaries = [
  0n,
  1n,
  2n,
  5n,
  7n,
  16n,
  0x7fff_ffffn,
  0xffff_ffffn,
  0x1_0000_0000n,
  0x1_0000_0001n,
  0x1_0000_0005n,
  0x2_0000_0000n,
  0x8000_0000_0000_0000n,
  0xffff_ffff_ffff_ffffn,
];

/** Calls that all architectures have, that some have, and that some have behind socketcall(2) or ipc(2). */
const callNames = [
  "write",
  "ioctl",
  "futex",
  "clone",
  "personality",
  "open",
  "waitpid",
  "preadv",
  "set_tls",
  "socket",
  "bind",
  "sendto",
  "accept",
  "send",
  "semop",
  "shmat",
  "ipc",
  "socketcall",
];

const allOperators = LINUX_SECCOMP_OPERATORS;
const equalities = ["SCMP_CMP_EQ", "SCMP_CMP_NE", "SCMP_CMP_MASKED_EQ"] as const;

/** How the rules for one call relate to each other. */
export interface RuleShape {
  /** Rules for each call: one, or any number. */
  readonly rulesPerCall: "one" | "many";
  /** Whether the rules for a call all look at the same one argument. */
  readonly sameArgument: boolean;
  readonly operators: "all" | "equalities";
  /** Whether all rules have one action. */
  readonly sameAction: boolean;
}

const actions: readonly Pick<LinuxSyscall, "action" | "errnoRet">[] = [
  { action: "SCMP_ACT_ALLOW" },
  { action: "SCMP_ACT_ERRNO" },
  { action: "SCMP_ACT_ERRNO", errnoRet: 2 },
  { action: "SCMP_ACT_TRAP" },
];

const argumentLists = [[0], [1], [2], [0, 1], [1, 2], [0, 1, 2], []] as const;

/** A value near a boundary; often a small one. */
export function randomArgument(random: Random): bigint {
  if (random.below(4) === 0) return BigInt(random.below(25));
  return BigInt.asUintN(64, random.pick(boundaries) + BigInt(random.below(3) - 1));
}

/** Valid filters for x86-64 with other architectures, whose first rule logs read(2). */
export function randomSeccomp(
  random: Random,
  architectures: readonly LinuxSeccompArch[],
  shape: RuleShape,
): LinuxSeccomp {
  const defaultAction: LinuxSeccompAction = random.pick(["SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL_PROCESS"]);
  const onlyAction = random.pick(actions);
  const operators = shape.operators === "all" ? allOperators : equalities;
  const argumentsOf = new Map<string, readonly number[]>();
  const syscalls: LinuxSyscall[] = [{ names: ["read"], action: "SCMP_ACT_LOG" }];
  for (let count = 1 + random.below(6); count > 0; count -= 1) {
    const name = random.pick(callNames);
    // A rule for bind(2) is one for socketcall(2), too, and so on.
    const entry = multiplexedCall(name)?.call ?? name;
    if (shape.rulesPerCall === "one" && argumentsOf.has(entry)) continue;
    const chosen = shape.sameArgument ? [random.below(3)] : random.pick(argumentLists);
    const indexes = shape.sameArgument ? (argumentsOf.get(entry) ?? chosen) : chosen;
    argumentsOf.set(entry, indexes);
    const args = indexes.map((index): LinuxSeccompArg => {
      const op = random.pick(operators);
      return { index, op, value: random.pick(boundaries), valueTwo: random.pick(boundaries) };
    });
    syscalls.push({ names: [name], ...(shape.sameAction ? onlyAction : random.pick(actions)), args });
  }
  return { defaultAction, architectures, syscalls };
}
