import { constants } from "node:os";
import type { Architecture } from "../../abi/architecture.ts";
import { type SyscallName, syscallArguments } from "../../abi/syscalls.ts";
import { Immediate, type Instruction, type Operand, Pointer } from "../instruction.ts";
import { callSignature } from "../verify-call.ts";

/** Arguments that are file modes, and signals, where the builder was given a bare number. */
const MODES: Readonly<Partial<Record<SyscallName, number>>> = {
  fchmod: 1,
  fchmodat: 2,
  mkdirat: 2,
  mknodat: 2,
  openat: 3,
  umask: 0,
};
const SIGNALS: Readonly<Partial<Record<SyscallName, number>>> = { kill: 1, pidfd_send_signal: 1, rt_sigaction: 0 };
/** Arguments that are an environment, which strace counts instead of showing it. */
const ENVIRONMENTS: Readonly<Partial<Record<SyscallName, number>>> = { execve: 2, execveat: 3 };

const AT_FDCWD = BigInt.asUintN(64, -100n);
const POINTER_BYTES = 8;
const SIGNAL_NAMES = new Map(Object.entries(constants.signals).map(([name, number]) => [BigInt(number), name]));

/** An operand by its own word for itself. */
export function operandText(operand: Operand): string {
  return operand instanceof Immediate || operand instanceof Pointer ? operand.show : operand.name;
}

export function callName({ number }: Instruction, architecture: Architecture): SyscallName | undefined {
  return callSignature(number, architecture)?.name;
}

/** The arguments of a system call as strace would print them. */
export function argumentTexts(name: SyscallName, operands: readonly Operand[], verbose: boolean): readonly string[] {
  const kinds = syscallArguments(name);
  return operands.map((operand, index) => {
    if (operand instanceof Immediate) return immediateText(name, index, kinds[index] ?? "i", operand);
    if (operand instanceof Pointer && !verbose && ENVIRONMENTS[name] === index) {
      const count = Math.max(operand.length / POINTER_BYTES - 1, 0);
      return count === 0 ? "[]" : `[/* ${count} ${count === 1 ? "variable" : "variables"} */]`;
    }
    return operandText(operand);
  });
}

function immediateText(name: SyscallName, index: number, kind: string, { value, show }: Immediate): string {
  if (value === 0n && "SPB".includes(kind.charAt(0))) return "NULL";
  // Somebody has said what the number means.
  if (!/^-?\d+$/.test(show)) return show;
  if (value === AT_FDCWD && kind === "d") return "AT_FDCWD";
  if (MODES[name] === index && value !== 0n) return `0${value.toString(8)}`;
  if (SIGNALS[name] === index) return SIGNAL_NAMES.get(value) ?? show;
  return show;
}
