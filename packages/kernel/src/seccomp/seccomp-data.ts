/**
 * `struct seccomp_data` of include/uapi/linux/seccomp.h: what a filter sees of a call. Two 32-bit words, then 64-bit
 * ones whose halves lie in the machine's byte order.
 */
export const SECCOMP_DATA = { nr: 0, arch: 4, instructionPointer: 8, args: 16, size: 64 } as const;

/** System calls have at most so many arguments. */
export const SECCOMP_ARGS_MAX = 6;

/** Offset of the low or the high 32 bits of an argument. */
export function argumentOffset(index: number, half: "low" | "high", littleEndian: boolean): number {
  const first = SECCOMP_DATA.args + 8 * index;
  return (half === "low") === littleEndian ? first : first + 4;
}
