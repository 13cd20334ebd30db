import { OrlopError } from "@orlop/core";
import type { Architecture } from "../abi/architecture.ts";
import { type ArgumentKind, SYSCALLS, type SyscallName, syscallArguments, syscallNumber } from "../abi/syscalls.ts";
import { CONDITIONS, Immediate, type Instruction, type Operand, OPS, Pointer, Slot, SLOT_COUNT } from "./instruction.ts";
import type { Program } from "./program.ts";

const SIGNATURES: Readonly<Record<Architecture, ReadonlyMap<number, readonly ArgumentKind[]>>> = {
  x86_64: signatures("x86_64"),
  aarch64: signatures("aarch64"),
};

function signatures(architecture: Architecture): Map<number, readonly ArgumentKind[]> {
  const names = Object.keys(SYSCALLS) as SyscallName[];
  return new Map(names.map((name) => [syscallNumber(name, architecture), syscallArguments(name)]));
}

/** Operands that an instruction must have, and whether it needs a destination and a target. */
const SHAPES: Readonly<Record<Instruction["op"], { operands: number; into: boolean; target: boolean }>> = {
  syscall: { operands: -1, into: false, target: false },
  jump: { operands: 0, into: false, target: true },
  branch: { operands: 2, into: false, target: true },
  load: { operands: 3, into: true, target: false },
  store: { operands: 4, into: false, target: false },
  add: { operands: 2, into: true, target: false },
  and: { operands: 2, into: true, target: false },
  enter: { operands: 1, into: false, target: false },
  fail: { operands: 1, into: false, target: false },
  handler: { operands: 0, into: false, target: true },
};

/**
 * Refuses a program that could make the machine do anything but execute it: an unknown instruction or system call,
 * a jump, slot or pointer out of bounds, control running off the end.
 *
 * Throws `internal`: programs are written by us, so a refusal is our mistake.
 */
export function verifyProgram(program: Program): void {
  for (const [index, instruction] of program.instructions.entries()) {
    const problem = checkInstruction(program, instruction);
    if (problem !== undefined) refuse(program, index, problem);
  }
  const last = program.instructions.at(-1);
  if (last === undefined) throw new OrlopError("internal", "Cannot verify program: it is empty");
  if (!endsControl(program, last)) refuse(program, program.instructions.length - 1, "control runs off the end");
  for (const { at, to } of program.relocations) {
    if (at < 0 || at + 8 > program.image.length || to < 0 || to > program.image.length) {
      throw new OrlopError("internal", `Cannot verify program: relocation ${at} -> ${to} is outside the image`);
    }
  }
}

function refuse(program: Program, index: number, problem: string): never {
  const step = program.steps[program.instructions[index]?.step ?? -1];
  throw new OrlopError("internal", `Cannot verify instruction "${index}" (${step?.action ?? "no step"}): ${problem}`);
}

function endsControl(program: Program, last: Instruction): boolean {
  if (last.op === "syscall") return last.number === syscallNumber("exit_group", program.architecture);
  return last.op === "jump" || last.op === "enter" || last.op === "fail";
}

function checkInstruction(program: Program, instruction: Instruction): string | undefined {
  const shape = SHAPES[instruction.op];
  if (shape === undefined || !OPS.includes(instruction.op)) return `unknown instruction ${instruction.op}`;
  if (shape.operands >= 0 && instruction.operands.length !== shape.operands) return "wrong number of operands";
  if (shape.into && instruction.into === undefined) return "no destination";
  const wantsTarget = shape.target || instruction.errnos.length > 0;
  if (wantsTarget !== (instruction.target !== undefined)) return "target and errno list do not go together";
  if (program.steps[instruction.step] === undefined) return "it belongs to no step";
  return (
    checkTarget(program, instruction) ??
    checkSlots(instruction) ??
    checkPointers(program, instruction) ??
    checkNumber(program, instruction)
  );
}

function checkTarget(program: Program, { target, errnos }: Instruction): string | undefined {
  if (errnos !== "any" && errnos.some((errno) => !Number.isInteger(errno) || errno < 1 || errno > 255)) return "bad errno";
  if (errnos !== "any" && errnos.length > 4) return "more than four errno values";
  if (target === undefined) return undefined;
  const { index } = target;
  if (index === undefined) return `label ${target.name} was never marked`;
  if (index < 0 || index >= program.instructions.length) return `label ${target.name} is outside the program`;
  return undefined;
}

function checkSlots({ into, operands }: Instruction): string | undefined {
  const slots = operands.filter((operand) => operand instanceof Slot);
  if (into !== undefined) slots.push(into);
  const bad = slots.find(({ index }) => !Number.isInteger(index) || index < 0 || index >= SLOT_COUNT);
  return bad === undefined ? undefined : `slot ${bad.index} does not exist`;
}

function checkPointers(program: Program, { operands }: Instruction): string | undefined {
  for (const operand of operands) {
    if (!(operand instanceof Pointer)) continue;
    const { offset, length } = operand;
    if (!Number.isInteger(offset) || offset < 0 || length < 0 || offset + length > program.image.length) {
      return `pointer ${offset}+${length} is outside the image of ${program.image.length} bytes`;
    }
  }
  return undefined;
}

function checkNumber(program: Program, instruction: Instruction): string | undefined {
  const { op, number, operands } = instruction;
  switch (op) {
    case "syscall": {
      const kinds = SIGNATURES[program.architecture].get(number);
      if (kinds === undefined) return `system call ${number} is not in the table`;
      if (operands.length !== kinds.length) return `${operands.length} arguments where the call takes ${kinds.length}`;
      return kinds.map((kind, index) => checkArgument(program, kind, operands, index)).find((text) => text !== undefined);
    }
    case "branch":
      return CONDITIONS[number] === undefined ? `unknown condition ${number}` : undefined;
    case "load":
    case "store":
      return checkAccess(number, operands);
    default:
      return undefined;
  }
}

function checkAccess(width: number, [base, offset, bound]: readonly Operand[]): string | undefined {
  if (![1, 2, 4, 8].includes(width)) return `width ${width}`;
  if (!(base instanceof Pointer)) return "the base is not a pointer";
  if (offset instanceof Pointer || !(bound instanceof Immediate)) return "the offset or its bound has the wrong kind";
  return bound.value + BigInt(width) > BigInt(base.length) ? "the bound lies outside the object" : undefined;
}

function checkArgument(
  program: Program,
  kind: ArgumentKind,
  operands: readonly Operand[],
  index: number,
): string | undefined {
  const operand = operands[index];
  if (operand === undefined) return "missing argument";
  const letter = kind[0] ?? "";
  if ("diI".includes(letter)) return operand instanceof Pointer ? `argument ${index} is a pointer` : undefined;
  if (letter === "o") return undefined;
  if (operand instanceof Immediate && operand.value === 0n && "SPB".includes(letter)) return undefined;
  // An absolute address in a slot or immediate: only a zygote needs it, and the kernel answers EFAULT for a bad one.
  if (!(operand instanceof Pointer)) return letter === "b" && program.slots.length > 0 ? undefined : `argument ${index} is not a pointer`;
  return checkPointee(program, letter, Number(kind.slice(1)), operands, operand);
}

function checkPointee(
  program: Program,
  letter: string,
  parameter: number,
  operands: readonly Operand[],
  pointer: Pointer,
): string | undefined {
  switch (letter) {
    case "p":
    case "P":
      return pointer.length < parameter ? `an object of ${pointer.length} bytes where ${parameter} are needed` : undefined;
    case "s":
    case "S":
      return program.image.indexOf(0, pointer.offset) < 0 ? "a string without an end" : undefined;
    case "b":
    case "B": {
      const length = operands[parameter];
      if (length instanceof Immediate && length.value > BigInt(pointer.length)) return "a buffer shorter than its length";
      return undefined;
    }
    default:
      return undefined;
  }
}
