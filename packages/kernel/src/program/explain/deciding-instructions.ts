import { type Instruction, type Op, type Operand, Slot } from "../instruction.ts";
import type { Program } from "../program.ts";

/** Whether an instruction only moves and computes. */
export function movesData(op: Op): boolean {
  return op === "load" || op === "store" || op === "add" || op === "and";
}

/** The instructions right before a branch that compute what it looks at: without them it would not be understood. */
export function decidingInstructions({ instructions }: Program): ReadonlySet<number> {
  const deciding = new Set<number>();
  for (const [index, { op, operands }] of instructions.entries()) {
    if (op !== "branch") continue;
    const wanted = new Set(slotIndices(operands));
    for (let before = index - 1; before >= 0; before--) {
      const instruction = instructions[before];
      if (instruction === undefined || !movesData(instruction.op)) break;
      if (!writesOneOf(instruction, wanted)) continue;
      deciding.add(before);
      wanted.delete(instruction.into?.index ?? -1);
      for (const slot of slotIndices(instruction.operands)) wanted.add(slot);
    }
  }
  return deciding;
}

function writesOneOf({ into }: Instruction, slots: ReadonlySet<number>): boolean {
  return into !== undefined && slots.has(into.index);
}

function slotIndices(operands: readonly Operand[]): number[] {
  return operands.filter((operand) => operand instanceof Slot).map(({ index }) => index);
}
