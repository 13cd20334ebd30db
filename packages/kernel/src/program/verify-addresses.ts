import { REQUEST_ADDRESS } from "../machine/memory-layout.ts";
import { Immediate, type Instruction, type Operand, Pointer, Slot } from "./instruction.ts";

/**
 * The slots that hold nothing but addresses, wherever the program is: every instruction that writes one adds a number
 * to an object's address, or to another such slot. A descriptor or a length taken for a buffer is found by that.
 */
export function addressSlots(instructions: readonly Instruction[]): ReadonlySet<number> {
  const writers = Map.groupBy(
    instructions.filter(({ into }) => into !== undefined),
    ({ into }) => into?.index ?? -1,
  );
  const found = new Set<number>();
  const isAddress = (operand: Operand, own: number): boolean =>
    operand instanceof Pointer ||
    (operand instanceof Immediate && operand.value >= REQUEST_ADDRESS) ||
    (operand instanceof Slot && (operand.index === own || found.has(operand.index)));
  const holdsAddress = ([slot, all]: [number, Instruction[]]): boolean =>
    all.every(({ op, operands }) => op === "add" && operands.filter((each) => isAddress(each, slot)).length === 1) &&
    all.some(({ operands }) => !operands.some((each) => each instanceof Slot && each.index === slot));
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    for (const entry of writers) if (holdsAddress(entry)) found.add(entry[0]);
  }
  return found;
}
