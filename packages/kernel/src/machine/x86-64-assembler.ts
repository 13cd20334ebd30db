import assert from "node:assert/strict";

/** Register numbers of the x86-64 encoding. */
export const REGISTERS = {
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

/** `[base + index * scale + disp]`. */
export interface MemoryOperand {
  readonly base: Register;
  readonly index?: Register;
  readonly scale?: 1 | 8;
  readonly disp?: number;
}

/** Condition codes of jcc. */
const CONDITION_CODES = { b: 2, ae: 3, e: 4, ne: 5, be: 6, a: 7, le: 14 } as const;

/** As much of an x86-64 assembler as the machine needs (Intel SDM volume 2); jumps are always 32 bits wide. */
export class X86Assembler {
  readonly #bytes: number[] = [];
  readonly #labels = new Map<string, number>();
  readonly #fixups: { at: number; label: string }[] = [];

  label(name: string): void {
    assert(!this.#labels.has(name), `label ${name} is marked twice`);
    this.#labels.set(name, this.#bytes.length);
  }

  syscall(): void {
    this.#bytes.push(0x0f, 0x05);
  }

  jmp(label: string): void {
    this.#bytes.push(0xe9);
    this.#fixup(label);
  }

  jcc(condition: keyof typeof CONDITION_CODES, label: string): void {
    this.#bytes.push(0x0f, 0x80 | CONDITION_CODES[condition]);
    this.#fixup(label);
  }

  /** mov r32, imm32 (zero-extends). */
  movImmediate(register: Register, value: number): void {
    const number = REGISTERS[register];
    if (number >= 8) this.#bytes.push(0x41);
    this.#bytes.push(0xb8 | (number & 7));
    this.#imm32(value);
  }

  /** op r/m64, r64 by opcode: 0x89 mov, 0x01 add, 0x29 sub, 0x39 cmp, 0x21 and, 0x85 test. */
  registers(opcode: number, destination: Register, source: Register): void {
    this.#rex(1, REGISTERS[source], 0, REGISTERS[destination]);
    this.#bytes.push(opcode, 0xc0 | ((REGISTERS[source] & 7) << 3) | (REGISTERS[destination] & 7));
  }

  /** xor r32, r32: clears all 64 bits. */
  clear(register: Register): void {
    const number = REGISTERS[register];
    this.#rex(0, number, 0, number);
    this.#bytes.push(0x31, 0xc0 | ((number & 7) << 3) | (number & 7));
  }

  /** op r/m, imm32 of group 1 by extension: 0 add, 4 and, 5 sub, 7 cmp. Sign-extends when wide. */
  immediate(extension: number, register: Register, value: number, wide: boolean): void {
    this.#rex(wide ? 1 : 0, 0, 0, REGISTERS[register]);
    this.#bytes.push(0x81, 0xc0 | (extension << 3) | (REGISTERS[register] & 7));
    this.#imm32(value);
  }

  /** shl (4) or shr (5) r64, imm8. */
  shift(extension: 4 | 5, register: Register, count: number): void {
    this.#rex(1, 0, 0, REGISTERS[register]);
    this.#bytes.push(0xc1, 0xc0 | (extension << 3) | (REGISTERS[register] & 7), count);
  }

  /** neg r64. */
  negate(register: Register): void {
    this.#rex(1, 0, 0, REGISTERS[register]);
    this.#bytes.push(0xf7, 0xd8 | (REGISTERS[register] & 7));
  }

  /** Instruction with a register and a memory operand; `prefix` is an operand-size prefix, if any. */
  memory(opcode: readonly number[], register: Register | number, operand: MemoryOperand, wide: boolean, prefix = 0): void {
    const reg = typeof register === "number" ? register : REGISTERS[register];
    const base = REGISTERS[operand.base];
    const index = operand.index === undefined ? undefined : REGISTERS[operand.index];
    assert(index !== 4, "rsp cannot be an index");
    if (prefix !== 0) this.#bytes.push(prefix);
    // A REX prefix is forced for byte registers above dl, where its absence would mean ah, ch, dh or bh.
    this.#rex(wide ? 1 : 0, reg, index ?? 0, base, opcode[0] === 0x88 && reg >= 4);
    this.#bytes.push(...opcode);
    const disp = operand.disp ?? 0;
    if (index === undefined && (base & 7) !== 4) {
      this.#bytes.push(0x80 | ((reg & 7) << 3) | (base & 7));
    } else {
      const scale = operand.scale === 8 ? 3 : 0;
      this.#bytes.push(0x84 | ((reg & 7) << 3), (scale << 6) | (((index ?? 4) & 7) << 3) | (base & 7));
    }
    this.#imm32(disp);
  }

  /** A bare 32-bit value: the immediate that follows a memory operand. */
  dword(value: number): void {
    this.#imm32(value);
  }

  assemble(): Buffer {
    const out = Buffer.from(this.#bytes);
    for (const { at, label } of this.#fixups) {
      const target = this.#labels.get(label);
      assert(target !== undefined, `label ${label} was never marked`);
      out.writeInt32LE(target - (at + 4), at);
    }
    return out;
  }

  #fixup(label: string): void {
    this.#fixups.push({ at: this.#bytes.length, label });
    this.#imm32(0);
  }

  #rex(w: number, reg: number, index: number, rm: number, force = false): void {
    const rex = 0x40 | (w << 3) | ((reg >> 3) << 2) | ((index >> 3) << 1) | (rm >> 3);
    if (rex !== 0x40 || force) this.#bytes.push(rex);
  }

  #imm32(value: number): void {
    this.#bytes.push(value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, (value >> 24) & 0xff);
  }
}
