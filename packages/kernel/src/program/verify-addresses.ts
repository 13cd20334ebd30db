import { REQUEST_ADDRESS } from "../machine/memory-layout.ts";
import { Immediate, type Instruction, type Operand, Pointer, Slot, STACK_SLOT } from "./instruction.ts";

/**
 * The slots that hold nothing but addresses, wherever the program is: every instruction that writes one adds a number
 * to an object's address, or to another such slot. A descriptor or a length taken for a buffer is found by that.
 */
export function addressSlots(instructions: readonly Instruction[]): ReadonlySet<number> {
  const isBase = (operand: Operand): boolean =>
    operand instanceof Pointer || (operand instanceof Immediate && operand.value >= REQUEST_ADDRESS);
  return sumsOf(instructions, isBase, []);
}

/**
 * The slots that lead to the process's arguments: the machine's own, which nothing writes, and what is added to it. Such
 * an address can be wrong, which the kernel says when it reads there; it is never written to.
 */
export function stackSlots(instructions: readonly Instruction[]): ReadonlySet<number> {
  if (instructions.some(({ into }) => into?.index === STACK_SLOT)) return new Set();
  return sumsOf(instructions, () => false, [STACK_SLOT]);
}

/** The slots that only ever hold one base, or one slot of the kind, and a number added to it. */
function sumsOf(
  instructions: readonly Instruction[],
  isBase: (operand: Operand) => boolean,
  known: readonly number[],
): ReadonlySet<number> {
  const writers = Map.groupBy(
    instructions.filter(({ into }) => into !== undefined),
    ({ into }) => into?.index ?? -1,
  );
  const found = new Set<number>(known);
  const isAddress = (operand: Operand, own: number): boolean =>
    isBase(operand) || (operand instanceof Slot && (operand.index === own || found.has(operand.index)));
  const holdsAddress = ([slot, all]: [number, Instruction[]]): boolean =>
    all.every(({ op, operands }) => op === "add" && operands.filter((each) => isAddress(each, slot)).length === 1) &&
    all.some(({ operands }) => !operands.some((each) => each instanceof Slot && each.index === slot));
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    for (const entry of writers) if (holdsAddress(entry)) found.add(entry[0]);
  }
  return found;
}
