import assert from "node:assert/strict";
import { type AssembledCode, CodeBuffer } from "./code-buffer.ts";

/** Register numbers of the x86-64 encoding; r11 is missing because syscall destroys it. */
const REGISTERS = {
  rax: 0,
  rcx: 1,
  rdx: 2,
  rbx: 3,
  rsp: 4,
  rbp: 5,
  rsi: 6,
  rdi: 7,
  r8: 8,
  r9: 9,
  r10: 10,
  r12: 12,
  r13: 13,
  r14: 14,
  r15: 15,
} as const;
export type Register = keyof typeof REGISTERS;

/** `[base + index * scale + displacement]`. */
export interface MemoryOperand {
  readonly base: Register;
  readonly index?: Register;
  readonly scale?: 1 | 8;
  readonly displacement?: number;
}

/** Bits of an operand. */
export type OperandWidth = 8 | 16 | 32 | 64;

/** Condition codes of jcc. */
const CONDITION_CODES = { b: 2, ae: 3, e: 4, ne: 5, be: 6, a: 7, le: 14 } as const;
/** Opcodes of `op r/m64, r64`. */
const REGISTER_OPCODES = { add: 0x01, and: 0x21, sub: 0x29, cmp: 0x39, test: 0x85, mov: 0x89 } as const;
/** Extensions of group 1, `op r/m, imm`. */
const IMMEDIATE_EXTENSIONS = { add: 0, and: 4, sub: 5, cmp: 7 } as const;
const SHIFT_EXTENSIONS = { shl: 4, shr: 5 } as const;
/** Opcodes of a load that clears the rest of the register, and of a store, with the operand-size prefix of the latter. */
const LOAD_OPCODES = { 8: [0x0f, 0xb6], 16: [0x0f, 0xb7], 32: [0x8b], 64: [0x8b] } as const;
const STORE_OPCODES = { 8: [0x88], 16: [0x89], 32: [0x89], 64: [0x89] } as const;
const POINTEE_NAMES = { 8: "BYTE", 16: "WORD", 32: "DWORD", 64: "QWORD" } as const;

/** As much of an x86-64 assembler as the machine needs (Intel SDM volume 2); jumps are always 32 bits wide. */
export class X86Assembler {
  readonly #buffer = new CodeBuffer();

  label(name: string): void {
    this.#buffer.label(name);
  }

  assemble(): AssembledCode {
    return this.#buffer.assemble();
  }

  syscall(): void {
    this.#buffer.instruction([0x0f, 0x05], "syscall");
  }

  jmp(label: string): void {
    this.#jump([0xe9], "jmp", label);
  }

  jcc(condition: keyof typeof CONDITION_CODES, label: string): void {
    this.#jump([0x0f, 0x80 | CONDITION_CODES[condition]], `j${condition}`, label);
  }

  /** mov r32, imm32: clears the upper half. */
  constant(register: Register, value: number): void {
    const number = REGISTERS[register];
    const opcode = [0xb8 | (number & 7), ...bytes32(value)];
    this.#buffer.instruction([...rex(0, 0, 0, number), ...opcode], `mov ${registerName(register, 32)},${hex(value)}`);
  }

  /** xor r32, r32: clears all 64 bits. */
  clear(register: Register): void {
    const number = REGISTERS[register];
    const name = registerName(register, 32);
    this.#buffer.instruction([...rex(0, number, 0, number), 0x31, direct(number, number)], `xor ${name},${name}`);
  }

  /** op r64, r64. */
  registers(op: keyof typeof REGISTER_OPCODES, destination: Register, source: Register): void {
    const [to, from] = [REGISTERS[destination], REGISTERS[source]];
    const code = [...rex(1, from, 0, to), REGISTER_OPCODES[op], direct(from, to)];
    this.#buffer.instruction(code, `${op} ${destination},${source}`);
  }

  /** op r, imm; the immediate is sign-extended to 64 bits when the register is. */
  immediate(op: keyof typeof IMMEDIATE_EXTENSIONS, register: Register, value: number, width: 32 | 64 = 32): void {
    const number = REGISTERS[register];
    const [opcode, immediate] = shortest(value);
    const head = [...rex(width === 64 ? 1 : 0, 0, 0, number), opcode, direct(IMMEDIATE_EXTENSIONS[op], number)];
    this.#buffer.instruction([...head, ...immediate], `${op} ${registerName(register, width)},${hex(value, width)}`);
  }

  /** op r64, imm8. */
  shift(op: keyof typeof SHIFT_EXTENSIONS, register: Register, count: number): void {
    const number = REGISTERS[register];
    const code = [...rex(1, 0, 0, number), 0xc1, direct(SHIFT_EXTENSIONS[op], number), count];
    this.#buffer.instruction(code, `${op} ${register},${hex(count)}`);
  }

  /** neg r64. */
  negate(register: Register): void {
    const number = REGISTERS[register];
    this.#buffer.instruction([...rex(1, 0, 0, number), 0xf7, direct(3, number)], `neg ${register}`);
  }

  /** lea r64, m. */
  address(register: Register, operand: MemoryOperand): void {
    this.#buffer.instruction(memory([0x8d], REGISTERS[register], operand, true), `lea ${register},${show(operand)}`);
  }

  /** Zero-extending load. */
  load(width: OperandWidth, register: Register, operand: MemoryOperand): void {
    const code = memory(LOAD_OPCODES[width], REGISTERS[register], operand, width === 64);
    const name = registerName(register, width === 64 ? 64 : 32);
    this.#buffer.instruction(
      code,
      `${width < 32 ? "movzx" : "mov"} ${name},${POINTEE_NAMES[width]} PTR ${show(operand)}`,
    );
  }

  store(width: OperandWidth, operand: MemoryOperand, register: Register): void {
    const number = REGISTERS[register];
    // Without REX, byte register numbers from 4 on would mean ah, ch, dh and bh.
    const code = memory(STORE_OPCODES[width], number, operand, width === 64, width === 8 && number >= 4);
    const prefix = width === 16 ? [0x66] : [];
    this.#buffer.instruction(
      [...prefix, ...code],
      `mov ${POINTEE_NAMES[width]} PTR ${show(operand)},${registerName(register, width)}`,
    );
  }

  /** cmp m32, imm. */
  compareMemory(operand: MemoryOperand, value: number): void {
    const [opcode, immediate] = shortest(value);
    const code = [...memory([opcode], IMMEDIATE_EXTENSIONS.cmp, operand, false), ...immediate];
    this.#buffer.instruction(code, `cmp DWORD PTR ${show(operand)},${hex(value)}`);
  }

  #jump(opcode: readonly number[], mnemonic: string, label: string): void {
    const length = opcode.length + 4;
    this.#buffer.jump([...opcode, 0, 0, 0, 0], `${mnemonic} `, label, (code, at, target) => {
      code.writeInt32LE(target - (at + length), at + opcode.length);
    });
  }
}

/** The prefix for 64-bit operands and registers above 7, if one is needed. */
function rex(w: number, reg: number, index: number, rm: number, force = false): number[] {
  const value = 0x40 | (w << 3) | ((reg >> 3) << 2) | ((index >> 3) << 1) | (rm >> 3);
  return value !== 0x40 || force ? [value] : [];
}

/** ModRM for two registers. */
function direct(reg: number, rm: number): number {
  return 0xc0 | ((reg & 7) << 3) | (rm & 7);
}

/** Prefix, opcode, ModRM, SIB and displacement of an instruction on memory. */
function memory(
  opcode: readonly number[],
  reg: number,
  operand: MemoryOperand,
  wide: boolean,
  force = false,
): number[] {
  const base = REGISTERS[operand.base];
  const index = operand.index === undefined ? undefined : REGISTERS[operand.index];
  assert(index !== 4, "rsp cannot be an index");
  const [mod, displacement] = displacementOf(operand);
  const middle = (reg & 7) << 3;
  // A base of rsp or r12 has no form without an index byte; index 4 in it means none.
  const indexed = index !== undefined || (base & 7) === 4;
  const scale = operand.scale === 8 ? 3 : 0;
  const form = indexed
    ? [mod | middle | 4, (scale << 6) | (((index ?? 4) & 7) << 3) | (base & 7)]
    : [mod | middle | (base & 7)];
  return [...rex(wide ? 1 : 0, reg, index ?? 0, base, force), ...opcode, ...form, ...displacement];
}

/** The mod bits and the bytes of a displacement; a base of rbp or r13 always has one. */
function displacementOf({ base, displacement = 0 }: MemoryOperand): [mod: number, bytes: number[]] {
  if (displacement === 0 && (REGISTERS[base] & 7) !== 5) return [0x00, []];
  return fitsByte(displacement) ? [0x40, [displacement & 0xff]] : [0x80, bytes32(displacement)];
}

/** Group 1's opcode and immediate bytes. */
function shortest(value: number): [opcode: number, bytes: number[]] {
  return fitsByte(value) ? [0x83, [value & 0xff]] : [0x81, bytes32(value)];
}

function fitsByte(value: number): boolean {
  return value >= -128 && value <= 127;
}

function bytes32(value: number): number[] {
  return [value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, (value >> 24) & 0xff];
}

function registerName(register: Register, width: OperandWidth): string {
  if (width === 64) return register;
  if (REGISTERS[register] >= 8) return `${register}${{ 8: "b", 16: "w", 32: "d" }[width]}`;
  const stem = register.slice(1);
  if (width === 32) return `e${stem}`;
  if (width === 16) return stem;
  return stem.endsWith("x") ? `${stem[0]}l` : `${stem}l`;
}

function hex(value: number, width: 32 | 64 = 32): string {
  return `0x${BigInt.asUintN(width, BigInt(value)).toString(16)}`;
}

function show({ base, index, scale = 1, displacement = 0 }: MemoryOperand): string {
  const offset = displacement !== 0 || (REGISTERS[base] & 7) === 5 ? `+${hex(displacement)}` : "";
  return `[${base}${index === undefined ? "" : `+${index}*${scale}`}${offset}]`;
}
