import assert from "node:assert/strict";
import {
  BPF_ALU_OP,
  BPF_CLASS,
  BPF_EXIT,
  BPF_INSTRUCTION_BYTES,
  BPF_JA,
  BPF_JMP_OP,
  BPF_K,
  BPF_MEM,
  BPF_REGISTER_COUNT,
  BPF_SIZE,
  BPF_X,
  type BpfAluOp,
  type BpfInstruction,
  type BpfJmpOp,
  encodeBpfInstruction,
} from "./bpf-instruction.ts";

/** A register, so that `and32(r2, r3)` and `and32(r2, 3)` cannot be confused. */
interface BpfRegister {
  readonly register: number;
}

const registers: readonly BpfRegister[] = Array.from({ length: BPF_REGISTER_COUNT }, (_, register) => ({ register }));

/** The register of that number, 0 to 10. */
export function bpfRegister(number: number): BpfRegister {
  const register = registers[number];
  if (register === undefined) throw new RangeError(`eBPF has no register r${number}`);
  return register;
}

/** A place in the program, made by {@link BpfAssembler.label} and put down by {@link BpfAssembler.mark}. */
export interface BpfLabel {
  readonly label: string;
}

/**
 * Writes an eBPF program instruction by instruction.
 *
 * Arithmetic is 32 bits wide and clears the upper half of its destination; jumps compare the lower 32 bits
 * (class JMP32, Linux 5.1), so that an immediate with bit 31 set is not sign-extended into a value that no
 * 32-bit field can equal.
 */
export class BpfAssembler {
  readonly #instructions: BpfInstruction[] = [];
  readonly #marks = new Map<BpfLabel, number>();
  readonly #jumps = new Map<number, BpfLabel>();

  label(name: string): BpfLabel {
    return { label: name };
  }

  /** The label stands for the next instruction. A label is marked once. */
  mark(label: BpfLabel): void {
    assert(!this.#marks.has(label), `label ${label.label} is marked twice`);
    this.#marks.set(label, this.#instructions.length);
  }

  /** `destination = *(u32 *)(base + offset)`. */
  loadWord(destination: BpfRegister, base: BpfRegister, offset: number): void {
    this.#emit(BPF_CLASS.LDX | BPF_SIZE.W | BPF_MEM, destination, base, offset, 0);
  }

  /** `destination = destination <op> operand`, or a plain move for `MOV`. */
  alu32(op: BpfAluOp, destination: BpfRegister, operand: BpfRegister | number): void {
    this.#emitWithOperand(BPF_CLASS.ALU | BPF_ALU_OP[op], destination, operand, 0);
  }

  /** Jumps when the low 32 bits of the register stand so to the operand; `JSET`: when they share a bit. */
  jump32(op: BpfJmpOp, register: BpfRegister, operand: BpfRegister | number, to: BpfLabel): void {
    this.#jumps.set(this.#instructions.length, to);
    this.#emitWithOperand(BPF_CLASS.JMP32 | BPF_JMP_OP[op], register, operand, 0);
  }

  jump(to: BpfLabel): void {
    this.#jumps.set(this.#instructions.length, to);
    this.#emit(BPF_CLASS.JMP | BPF_JA, bpfRegister(0), bpfRegister(0), 0, 0);
  }

  /** Ends the program with the value in r0. */
  exit(): void {
    this.#emit(BPF_CLASS.JMP | BPF_EXIT, bpfRegister(0), bpfRegister(0), 0, 0);
  }

  /** The program's bytes, little-endian, every label resolved. */
  assemble(): Uint8Array {
    const bytes = new Uint8Array(this.#instructions.length * BPF_INSTRUCTION_BYTES);
    const view = new DataView(bytes.buffer);
    for (const [index, instruction] of this.#instructions.entries()) {
      const offset = this.#jumps.has(index) ? this.#distance(index) : instruction.offset;
      encodeBpfInstruction({ ...instruction, offset }, view, index * BPF_INSTRUCTION_BYTES);
    }
    return bytes;
  }

  #distance(from: number): number {
    const label = this.#jumps.get(from);
    const to = label === undefined ? undefined : this.#marks.get(label);
    assert(to !== undefined, `label ${label?.label} is used and never marked`);
    const distance = to - from - 1;
    assert(distance >= 0 && distance <= 0x7fff, `jump to ${label?.label} spans ${distance} instructions`);
    return distance;
  }

  #emitWithOperand(code: number, destination: BpfRegister, operand: BpfRegister | number, offset: number): void {
    if (typeof operand === "number") this.#emit(code | BPF_K, destination, bpfRegister(0), offset, operand | 0);
    else this.#emit(code | BPF_X, destination, operand, offset, 0);
  }

  #emit(code: number, destination: BpfRegister, source: BpfRegister, offset: number, immediate: number): void {
    const instruction = { code, destination: destination.register, source: source.register, offset, immediate };
    this.#instructions.push(instruction);
  }
}
