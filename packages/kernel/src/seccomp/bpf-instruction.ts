/** One `struct sock_filter` of include/uapi/linux/filter.h: classic BPF. */
export interface BpfInstruction {
  /** What to do: one of {@link BPF_CODES}. */
  readonly code: number;
  /** Instructions to skip when a comparison holds, 0 to 255. */
  readonly jt: number;
  /** Instructions to skip when it does not. */
  readonly jf: number;
  /** The operand: an unsigned 32-bit immediate, an offset into `struct seccomp_data`, or a jump's length. */
  readonly k: number;
}

/**
 * The instructions that filters of container runtimes consist of (include/uapi/linux/bpf_common.h). The kernel knows
 * more; with exactly these it can tell in advance that a call is always allowed, and skip the filter (Linux 5.11,
 * `seccomp_is_const_allow`).
 */
export const BPF_CODES = {
  /** A = the 32-bit word at offset k of the data. */
  LD_W_ABS: 0x20,
  /** A = A and k. */
  ALU_AND_K: 0x54,
  /** Skips k instructions. */
  JA: 0x05,
  /** Compares A with k, unsigned. */
  JEQ_K: 0x15,
  JGT_K: 0x25,
  JGE_K: 0x35,
  /** Holds when A and k have a bit in common. */
  JSET_K: 0x45,
  /** Ends with k as the verdict. */
  RET_K: 0x06,
} as const;

/** BPF_MAXINSNS of include/uapi/linux/bpf_common.h. */
export const BPF_INSTRUCTIONS_MAX = 4096;

/** Longest conditional jump: jt and jf are bytes. */
export const BPF_BRANCH_MAX = 255;

/** Bytes of a `struct sock_filter`: u16 code, u8 jt, u8 jf, u32 k. */
const instructionSize = 8;

/** The `struct sock_filter` array, in the byte order of the machine that will load it. */
export function encodeBpf(instructions: readonly BpfInstruction[], littleEndian: boolean): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(instructions.length * instructionSize);
  const view = new DataView(bytes.buffer);
  for (const [index, { code, jt, jf, k }] of instructions.entries()) {
    const at = index * instructionSize;
    view.setUint16(at, code, littleEndian);
    view.setUint8(at + 2, jt);
    view.setUint8(at + 3, jf);
    view.setUint32(at + 4, k, littleEndian);
  }
  return bytes;
}

/** The reverse of {@link encodeBpf}. Throws RangeError when the length is no multiple of an instruction's. */
export function decodeBpf(filter: Uint8Array, littleEndian: boolean): readonly BpfInstruction[] {
  if (filter.length % instructionSize !== 0) {
    throw new RangeError(`a BPF program of ${filter.length} bytes ends inside an instruction`);
  }
  const view = new DataView(filter.buffer, filter.byteOffset, filter.byteLength);
  return Array.from({ length: filter.length / instructionSize }, (_, index): BpfInstruction => {
    const at = index * instructionSize;
    return {
      code: view.getUint16(at, littleEndian),
      jt: view.getUint8(at + 2),
      jf: view.getUint8(at + 3),
      k: view.getUint32(at + 4, littleEndian),
    };
  });
}
