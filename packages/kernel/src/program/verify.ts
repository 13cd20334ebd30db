import { OrlopError } from "@orlop/core";
import { BOOT_ADDRESS, REQUEST_ADDRESS } from "../machine/memory-layout.ts";
import { ImageView } from "./image-view.ts";
import {
  CONDITIONS,
  ERRNO_LIST_MAX,
  Immediate,
  type Instruction,
  type Op,
  type Operand,
  Pointer,
  SLOT_COUNT,
  Slot,
} from "./instruction.ts";
import type { Program } from "./program.ts";
import { addressSlots, stackSlots } from "./verify-addresses.ts";
import { checkOwnAdvice } from "./verify-advice.ts";
import { type CallContext, callSignature, checkCall } from "./verify-call.ts";
import { MemoryCheck } from "./verify-memory.ts";

interface VerifyOptions {
  /**
   * Where the program will run. One for the request area may not have the kernel write there at absolute addresses:
   * it would overwrite itself.
   */
  readonly loadAddress?: number;
}

interface Shape {
  /** How many operands; -1 when the number decides. */
  readonly operands: number;
  readonly into: "needed" | "possible" | "none";
  readonly target: boolean;
  readonly numbers: "call" | "condition" | "width" | "zero";
}

const SHAPES: Readonly<Record<Op, Shape>> = {
  syscall: { operands: -1, into: "possible", target: false, numbers: "call" },
  jump: { operands: 0, into: "none", target: true, numbers: "zero" },
  branch: { operands: 2, into: "none", target: true, numbers: "condition" },
  load: { operands: 3, into: "needed", target: false, numbers: "width" },
  store: { operands: 4, into: "none", target: false, numbers: "width" },
  add: { operands: 2, into: "needed", target: false, numbers: "zero" },
  and: { operands: 2, into: "needed", target: false, numbers: "zero" },
  enter: { operands: 1, into: "none", target: false, numbers: "zero" },
  fail: { operands: 1, into: "none", target: false, numbers: "zero" },
  handler: { operands: 0, into: "none", target: true, numbers: "zero" },
};

const WIDTHS: readonly number[] = [1, 2, 4, 8];
const ERRNO_LISTED_MAX = 255;

/**
 * Refuses a program that could make the machine do anything but execute it: an unknown instruction or system call; a
 * jump, slot or pointer out of bounds; control running off the end; a system call through which the kernel would write
 * anywhere but to the program's own image, or start code that is not the machine's. What it accepts, `encodeProgram`
 * can encode.
 *
 * It does not judge what a program does to the world: that is what `explain` is for.
 *
 * Throws `internal`: programs are written by us, so a refusal is our mistake.
 */
export function verifyProgram(program: Program, options: VerifyOptions = {}): void {
  const { instructions } = program;
  checkRelocations(program);
  for (const [index, instruction] of instructions.entries()) {
    const problem = checkInstruction(program, instruction);
    if (problem !== undefined) refuse(program, index, problem);
  }
  let slots: ReadonlySet<number> | undefined;
  let stack: ReadonlySet<number> | undefined;
  const context: CallContext = {
    image: new ImageView(program),
    isAddressSlot: (index) => {
      slots ??= addressSlots(instructions);
      return slots.has(index);
    },
    isStackSlot: (index) => {
      stack ??= stackSlots(instructions);
      return stack.has(index);
    },
    mayWriteRequests: options.loadAddress !== REQUEST_ADDRESS,
  };
  const memory = new MemoryCheck(context);
  for (const [index, instruction] of instructions.entries()) {
    const problem = checkEffect(program, index, instruction, context, memory);
    if (problem !== undefined) refuse(program, index, problem);
  }
  const conflict = memory.conflict();
  if (conflict !== undefined) {
    throw new OrlopError(
      "internal",
      `Cannot verify program: it may write to ${conflict.start} of its image, which leads the kernel to memory`,
    );
  }
  if (instructions.length === 0) throw new OrlopError("internal", "Cannot verify program: it is empty");
  if (!endsControl(program)) refuse(program, instructions.length - 1, "control runs off the end");
}

function refuse(program: Program, index: number, problem: string): never {
  const step = program.steps[program.instructions[index]?.step ?? -1];
  throw new OrlopError("internal", `Cannot verify instruction "${index}" (${step?.action ?? "no step"}): ${problem}`);
}

function endsControl({ instructions, architecture }: Program): boolean {
  const last = instructions.at(-1);
  if (last?.op === "syscall") return callSignature(last.number, architecture)?.name === "exit_group";
  return last?.op === "jump" || last?.op === "enter" || last?.op === "fail";
}

function isIndex(value: unknown, limit: number): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < limit;
}

function checkRelocations({ relocations, image }: Program): void {
  for (const { at, to } of relocations) {
    if (!isIndex(at, image.length - 7) || !isIndex(to, image.length + 1)) {
      throw new OrlopError("internal", `Cannot verify program: relocation ${at} -> ${to} is outside the image`);
    }
  }
}

/** What can be said of an instruction by itself. */
function checkInstruction(program: Program, instruction: Instruction): string | undefined {
  const { op, operands, into, step } = instruction;
  if (!Object.hasOwn(SHAPES, op)) return `unknown instruction ${op}`;
  const shape = SHAPES[op];
  if (shape.operands >= 0 && operands.length !== shape.operands) return "wrong number of operands";
  if (shape.into === "needed" && into === undefined) return "no destination";
  if (shape.into === "none" && into !== undefined) return "a destination that is never written";
  if (!isIndex(step, program.steps.length)) return "it belongs to no step";
  return (
    checkTarget(program, instruction, shape) ??
    checkOperands(program, operands) ??
    (into === undefined ? undefined : checkSlot(into)) ??
    checkNumber(instruction, shape)
  );
}

function checkTarget({ instructions }: Program, { op, target, errnos }: Instruction, shape: Shape): string | undefined {
  if (errnos !== "any") {
    if (!Array.isArray(errnos) || errnos.length > ERRNO_LIST_MAX) return `more than ${ERRNO_LIST_MAX} errno values`;
    if (!errnos.every((errno) => errno !== 0 && isIndex(errno, ERRNO_LISTED_MAX + 1))) return "bad errno";
  }
  if (op !== "syscall" && errnos.length > 0) return "errno values where nothing gives one";
  const wanted = shape.target || errnos.length > 0;
  if (wanted !== (target !== undefined)) return "target and errno list do not go together";
  if (target === undefined) return undefined;
  if (target.index === undefined) return `label ${target.name} was never marked`;
  return isIndex(target.index, instructions.length) ? undefined : `label ${target.name} is outside the program`;
}

function checkOperands(program: Program, operands: readonly Operand[]): string | undefined {
  for (const operand of operands) {
    const problem = checkOperand(program, operand);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function checkOperand({ image }: Program, operand: Operand): string | undefined {
  if (operand instanceof Slot) return checkSlot(operand);
  if (operand instanceof Immediate) {
    const fits = typeof operand.value === "bigint" && BigInt.asUintN(64, operand.value) === operand.value;
    return fits ? undefined : `number ${operand.value} has not 64 bits`;
  }
  if (!(operand instanceof Pointer)) return "an operand of no kind";
  const { offset, length } = operand;
  const inside = isIndex(offset, image.length + 1) && isIndex(length, image.length - offset + 1);
  return inside ? undefined : `pointer ${offset}+${length} is outside the image of ${image.length} bytes`;
}

function checkSlot(slot: Slot): string | undefined {
  return slot instanceof Slot && isIndex(slot.index, SLOT_COUNT) ? undefined : `slot ${slot?.index} does not exist`;
}

function checkNumber({ number, operands }: Instruction, { numbers }: Shape): string | undefined {
  switch (numbers) {
    case "condition":
      return isIndex(number, CONDITIONS.length) ? undefined : `unknown condition ${number}`;
    case "width":
      return checkAccess(number, operands);
    case "zero":
      return number === 0 ? undefined : `number ${number} where there is none`;
    case "call":
      return undefined;
  }
}

function checkAccess(width: number, [base, offset, bound]: readonly Operand[]): string | undefined {
  if (!WIDTHS.includes(width)) return `width ${width}`;
  if (!(base instanceof Pointer)) return "the base is not a pointer";
  if (offset instanceof Pointer || !(bound instanceof Immediate)) return "the offset or its bound has the wrong kind";
  if (bound.value + BigInt(width) > BigInt(base.length)) return "the bound lies outside the object";
  return offset instanceof Immediate && offset.value > bound.value ? "the offset lies outside the object" : undefined;
}

/** What can be said of an instruction when the whole program is known to be well formed. */
function checkEffect(
  program: Program,
  index: number,
  instruction: Instruction,
  context: CallContext,
  memory: MemoryCheck,
): string | undefined {
  const { op, number, operands } = instruction;
  if (op === "store") memory.store(instruction);
  if (op === "enter") return checkEnter(operands);
  if (op !== "syscall") return undefined;
  const signature = callSignature(number, program.architecture);
  if (signature === undefined) return `system call ${number} is not in the table`;
  return (
    checkCall(signature, instruction, context) ??
    (signature.touchesMemory ? memory.call(signature, instruction) : undefined) ??
    (signature.name === "madvise" && !context.mayWriteRequests ? checkOwnAdvice(program, index) : undefined)
  );
}

function checkEnter([address]: readonly Operand[]): string | undefined {
  const known = address instanceof Immediate && [BOOT_ADDRESS, REQUEST_ADDRESS].includes(Number(address.value));
  return known ? undefined : "only the two program areas can be entered";
}
