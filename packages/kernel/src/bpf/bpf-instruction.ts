/**
 * One eBPF instruction and its eight bytes: `struct bpf_insn` of include/uapi/linux/bpf.h.
 *
 * | offset | size | field |
 * | --- | --- | --- |
 * | 0 | 1 | code: class (3 bits), source (1 bit), operation (4 bits); or class, size (2 bits), mode (3 bits) |
 * | 1 | 1 | destination register in the low half, source register in the high half |
 * | 2 | 2 | signed offset: of the memory operand, or of the jump in instructions |
 * | 4 | 4 | signed immediate |
 */
export interface BpfInstruction {
  readonly code: number;
  readonly destination: number;
  readonly source: number;
  readonly offset: number;
  readonly immediate: number;
}

export const BPF_INSTRUCTION_BYTES = 8;

/** Instruction classes, the low three bits of the code. */
export const BPF_CLASS = { LD: 0, LDX: 1, ST: 2, STX: 3, ALU: 4, JMP: 5, JMP32: 6, ALU64: 7 } as const;

/** Operand widths of the load and store classes. */
export const BPF_SIZE = { W: 0x00, H: 0x08, B: 0x10, DW: 0x18 } as const;

/** The one addressing mode in use here: register plus offset. */
export const BPF_MEM = 0x60;

/** Second operand: the immediate or the source register. */
export const BPF_K = 0x00;
export const BPF_X = 0x08;

/** Arithmetic, the high four bits of the code. */
export const BPF_ALU_OP = {
  ADD: 0x00,
  SUB: 0x10,
  OR: 0x40,
  AND: 0x50,
  LSH: 0x60,
  RSH: 0x70,
  XOR: 0xa0,
  MOV: 0xb0,
} as const;
export type BpfAluOp = keyof typeof BPF_ALU_OP;

/** Jumps, the high four bits of the code; comparisons are unsigned. */
export const BPF_JMP_OP = { JEQ: 0x10, JGT: 0x20, JGE: 0x30, JSET: 0x40, JNE: 0x50, JLT: 0xa0, JLE: 0xb0 } as const;
export type BpfJmpOp = keyof typeof BPF_JMP_OP;

export const BPF_JA = 0x00;
export const BPF_EXIT = 0x90;

/** r0 is the result, r1 the context on entry, r10 the read-only frame pointer. */
export const BPF_REGISTER_COUNT = 11;

export function encodeBpfInstruction(instruction: BpfInstruction, into: DataView, at: number): void {
  into.setUint8(at, instruction.code);
  into.setUint8(at + 1, instruction.destination | (instruction.source << 4));
  into.setInt16(at + 2, instruction.offset, true);
  into.setInt32(at + 4, instruction.immediate, true);
}

/** Reads the instructions of a program. Throws RangeError on a length that is not a multiple of eight. */
export function decodeBpfProgram(bytes: Uint8Array): BpfInstruction[] {
  if (bytes.length % BPF_INSTRUCTION_BYTES !== 0) {
    throw new RangeError(`an eBPF program is a multiple of 8 bytes long, not ${bytes.length}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const instructions: BpfInstruction[] = [];
  for (let at = 0; at < bytes.length; at += BPF_INSTRUCTION_BYTES) {
    const registers = view.getUint8(at + 1);
    instructions.push({
      code: view.getUint8(at),
      destination: registers & 0xf,
      source: registers >> 4,
      offset: view.getInt16(at + 2, true),
      immediate: view.getInt32(at + 4, true),
    });
  }
  return instructions;
}
