import assert from "node:assert/strict";
import { type AssembledCode, CodeBuffer } from "./code-buffer.ts";

/** A general register by number; 31 is the zero register in every form used here but one: see `immediate`. */
export type Register = `x${number}` | "xzr";

/** Bits of an operand. */
export type OperandWidth = 8 | 16 | 32 | 64;

/** `[base + displacement]`, or `[base + index]` with the index scaled to the operand's size or not at all. */
export type MemoryOperand =
  | { readonly base: Register; readonly displacement?: number }
  | { readonly base: Register; readonly index: Register; readonly scaled: boolean };

/** Condition codes of b.cond; unsigned: `cs` and `cc` are at least and below, `hi` and `ls` above and at most. */
const CONDITION_CODES = { eq: 0, ne: 1, cs: 2, cc: 3, hi: 8, ls: 9, le: 13 } as const;
/** Opcodes of `op xd, xn, xm{, lsl #n}`. */
const REGISTER_OPCODES = {
  and: 0x8a000000,
  add: 0x8b000000,
  orr: 0xaa000000,
  sub: 0xcb000000,
  subs: 0xeb000000,
} as const;
/** Opcodes of `op xd, xn, #imm12`. */
const IMMEDIATE_OPCODES = { add: 0x91000000, adds: 0xb1000000, sub: 0xd1000000, subs: 0xf1000000 } as const;
const SIZE_LOG = { 8: 0, 16: 1, 32: 2, 64: 3 } as const;
const ACCESS_NAMES = { 8: "b", 16: "h", 32: "", 64: "" } as const;
const LOAD = 1;
const STORE = 0;

/** As much of an arm64 assembler as the machine needs (Arm Architecture Reference Manual, chapter C6). */
export class Arm64Assembler {
  readonly #buffer = new CodeBuffer();

  label(name: string): void {
    this.#buffer.label(name);
  }

  assemble(): AssembledCode {
    return this.#buffer.assemble();
  }

  svc(): void {
    this.#word(0xd4000001, "svc #0x0");
  }

  b(label: string): void {
    this.#jump(0x14000000, "b ", label, 26, 0);
  }

  branch(condition: keyof typeof CONDITION_CODES, label: string): void {
    this.#jump(0x54000000 | CONDITION_CODES[condition], `b.${condition} `, label, 19, 5);
  }

  /** cbz xt. */
  branchIfZero(register: Register, label: string): void {
    this.#jump(0xb4000000 | numberOf(register), `cbz ${register}, `, label, 19, 5);
  }

  /** cbnz xt. */
  branchIfNotZero(register: Register, label: string): void {
    this.#jump(0xb5000000 | numberOf(register), `cbnz ${register}, `, label, 19, 5);
  }

  /** movz, and movk for the upper half where there is one. */
  constant(register: Register, value: number): void {
    assert(value >= 0 && value < 2 ** 32, "a constant has 32 bits");
    const halves = [value & 0xffff, value >>> 16].map((half, index) => ({ half, index }));
    const written = halves.filter(({ half, index }) => half !== 0 || (index === 0 && value === 0));
    for (const [position, { half, index }] of written.entries()) {
      const [opcode, name] = position === 0 ? ([0xd2800000, "movz"] as const) : ([0xf2800000, "movk"] as const);
      const shift = index === 0 ? "" : `, lsl #${16 * index}`;
      this.#word(
        opcode | (index << 21) | (half << 5) | numberOf(register),
        `${name} ${register}, #0x${half.toString(16)}${shift}`,
      );
    }
  }

  /** op xd, xn, xm, lsl #shift. */
  registers(op: keyof typeof REGISTER_OPCODES, to: Register, a: Register, b: Register, shift = 0): void {
    const code = REGISTER_OPCODES[op] | (numberOf(b) << 16) | (shift << 10) | (numberOf(a) << 5) | numberOf(to);
    this.#word(code, `${op} ${to}, ${a}, ${b}${shift === 0 ? "" : `, lsl #${shift}`}`);
  }

  /** op xd, xn, #imm12; here register 31 as xn is the stack pointer. */
  immediate(op: keyof typeof IMMEDIATE_OPCODES, to: Register, a: Register | "sp", value: number): void {
    assert(value >= 0 && value < 4096, "an immediate has 12 bits");
    const code = IMMEDIATE_OPCODES[op] | (value << 10) | (numberOf(a === "sp" ? "xzr" : a) << 5) | numberOf(to);
    this.#word(code, `${op} ${to}, ${a}, #0x${value.toString(16)}`);
  }

  /** xd = bits `low` to `low + width - 1` of xn: ubfm, by which lsr and ubfx go. */
  bits(to: Register, from: Register, low: number, width: number): void {
    const high = low + width - 1;
    assert(width > 0 && high < 64);
    const code = 0xd3400000 | (low << 16) | (high << 10) | (numberOf(from) << 5) | numberOf(to);
    this.#word(code, `ubfm ${to}, ${from}, #${low}, #${high}`);
  }

  /** Zero-extending load. */
  load(width: OperandWidth, register: Register, operand: MemoryOperand): void {
    this.#access(LOAD, width, register, operand);
  }

  store(width: OperandWidth, operand: MemoryOperand, register: Register): void {
    this.#access(STORE, width, register, operand);
  }

  #access(
    direction: typeof LOAD | typeof STORE,
    width: OperandWidth,
    register: Register,
    operand: MemoryOperand,
  ): void {
    const size = SIZE_LOG[width];
    const name = `${direction === LOAD ? "ldr" : "str"}${ACCESS_NAMES[width]}`;
    const value = width === 64 ? register : register.replace("x", "w");
    const common = (size << 30) | (direction << 22) | (numberOf(operand.base) << 5) | numberOf(register);
    if ("index" in operand) {
      const { base, index, scaled } = operand;
      const code = common | 0x38206800 | (numberOf(index) << 16) | (scaled ? 1 << 12 : 0);
      this.#word(code, `${name} ${value}, [${base}, ${index}${scaled && size > 0 ? `, lsl #${size}` : ""}]`);
    } else {
      const { base, displacement = 0 } = operand;
      const scaledDisplacement = displacement >> size;
      assert(scaledDisplacement << size === displacement && scaledDisplacement < 4096, "a displacement is a multiple");
      const code = common | 0x39000000 | (scaledDisplacement << 10);
      this.#word(code, `${name} ${value}, [${base}${displacement === 0 ? "" : `, #${displacement}`}]`);
    }
  }

  #jump(opcode: number, text: string, label: string, bits: number, shift: number): void {
    this.#buffer.jump(bytesOf(opcode), text, label, (code, at, target) => {
      const words = (target - at) / 4;
      assert(Math.abs(words) < 2 ** (bits - 1), "a jump too far");
      code.writeUInt32LE((opcode | ((words & (2 ** bits - 1)) << shift)) >>> 0, at);
    });
  }

  #word(code: number, text: string): void {
    this.#buffer.instruction(bytesOf(code), text);
  }
}

function bytesOf(word: number): number[] {
  return [word & 0xff, (word >> 8) & 0xff, (word >> 16) & 0xff, (word >> 24) & 0xff];
}

function numberOf(register: Register): number {
  if (register === "xzr") return 31;
  const number = Number(register.slice(1));
  assert(Number.isInteger(number) && number >= 0 && number <= 30, `no register is called ${register}`);
  return number;
}
