import type { Architecture } from "../../abi/architecture.ts";
import { errnoName } from "../../abi/errno.ts";
import { CONDITIONS, type Instruction } from "../instruction.ts";
import type { Program } from "../program.ts";
import { labelNames } from "./label-names.ts";
import { argumentTexts, callName, operandText } from "./operand-text.ts";

/** A program as data for other programs: every instruction, in words. */
export interface ExplainedProgram {
  readonly architecture: Architecture;
  readonly steps: readonly ExplainedStep[];
}

interface ExplainedStep {
  readonly role: string;
  readonly action: string;
  readonly field: string | null;
  readonly why: string | null;
  readonly calls: readonly ExplainedCall[];
}

/** One instruction. */
interface ExplainedCall {
  /** The index that a failure is reported with. */
  readonly index: number;
  /** A `system call`, or an instruction of the machine itself. */
  readonly kind: "system call" | "machine";
  /** Name of the system call, or of the instruction; a branch and a memory access have their condition and width behind it. */
  readonly call: string;
  readonly args: readonly string[];
  /** Name of the slot that takes the result. */
  readonly result: string | null;
  /** Where a jump, branch or handler leads. */
  readonly target: ExplainedTarget | null;
  /** What happens on these errno values instead of a failure; null when every one is a failure. */
  readonly onError: ExplainedErrors | null;
}

interface ExplainedTarget {
  readonly index: number;
  readonly label: string;
}

interface ExplainedErrors {
  readonly errnos: readonly string[] | "any";
  /** `ignore`: the next instruction follows. */
  readonly action: "ignore" | "go to";
  readonly target: ExplainedTarget | null;
}

export function explainJson(program: Program): ExplainedProgram {
  const { architecture, steps, instructions } = program;
  const names = labelNames(program);
  const byStep = Map.groupBy(instructions.entries(), ([, { step }]) => step);
  return {
    architecture,
    steps: steps.map(({ role, action, field, why }, index) => ({
      role,
      action,
      field: field ?? null,
      why: why ?? null,
      calls: (byStep.get(index) ?? []).map(([at, instruction]) => explainedCall(at, instruction, architecture, names)),
    })),
  };
}

function explainedCall(
  index: number,
  instruction: Instruction,
  architecture: Architecture,
  names: ReadonlyMap<number, string>,
): ExplainedCall {
  const { op, operands, into, errnos } = instruction;
  const at = instruction.target?.index;
  const target = at === undefined ? null : { index: at, label: names.get(at) ?? "" };
  const name = op === "syscall" ? callName(instruction, architecture) : undefined;
  const ignored = at === index + 1;
  return {
    index,
    kind: op === "syscall" ? "system call" : "machine",
    call: op === "syscall" ? (name ?? `syscall_${instruction.number}`) : machineName(instruction),
    args: name === undefined ? operands.map(operandText) : argumentTexts(name, operands, true),
    result: into?.name ?? null,
    target: op === "syscall" ? null : target,
    onError:
      errnos.length === 0
        ? null
        : {
            errnos: errnos === "any" ? "any" : errnos.map(errnoName),
            action: ignored ? "ignore" : "go to",
            target: ignored ? null : target,
          },
  };
}

function machineName({ op, number }: Instruction): string {
  if (op === "branch") return `branch ${CONDITIONS[number]}`;
  return op === "load" || op === "store" ? `${op} ${number}` : op;
}
