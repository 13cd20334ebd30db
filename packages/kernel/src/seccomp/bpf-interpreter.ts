import { OrlopError, type Uint64 } from "@orlop/core";
import { BPF_CODES, type BpfInstruction } from "./bpf-instruction.ts";
import { argumentOffset, SECCOMP_ARGS_MAX, SECCOMP_DATA } from "./seccomp-data.ts";

/** A system call as a filter sees it. */
export interface FilteredCall {
  readonly nr: number;
  /** `AUDIT_ARCH_*`. */
  readonly arch: number;
  /** Up to six; the missing ones are 0. */
  readonly args?: readonly Uint64[];
}

interface FilterOutcome {
  /** `SECCOMP_RET_*` and its data. */
  readonly verdict: number;
  /** Instructions executed: what every such call costs where the kernel cannot tell in advance. */
  readonly steps: number;
}

/** `struct seccomp_data` as 16 words. The instruction pointer is 0. */
function dataWords({ nr, arch, args = [] }: FilteredCall, littleEndian: boolean): Uint32Array {
  const words = new Uint32Array(SECCOMP_DATA.size / 4);
  words[SECCOMP_DATA.nr / 4] = nr;
  words[SECCOMP_DATA.arch / 4] = arch;
  for (let index = 0; index < SECCOMP_ARGS_MAX; index += 1) {
    const value = BigInt(args[index] ?? 0);
    words[argumentOffset(index, "low", littleEndian) / 4] = Number(value & 0xffff_ffffn);
    words[argumentOffset(index, "high", littleEndian) / 4] = Number((value >> 32n) & 0xffff_ffffn);
  }
  return words;
}

function branchHolds({ code, k }: BpfInstruction, accumulator: number): boolean {
  switch (code) {
    case BPF_CODES.JEQ_K:
      return accumulator === k;
    case BPF_CODES.JGT_K:
      return accumulator > k;
    case BPF_CODES.JGE_K:
      return accumulator >= k;
    case BPF_CODES.JSET_K:
      return (accumulator & k) !== 0;
    default:
      throw new OrlopError("unsupported", `Cannot interpret BPF code "${code}": filters of containers have no such`);
  }
}

/**
 * Executes a filter on one call, as the kernel would.
 *
 * @param littleEndian the byte order of the machine that the filter is for
 * @throws OrlopError `unsupported` for an instruction that is not in `BPF_CODES`, `invalid` when the program is left
 */
export function runSeccompBpf(
  instructions: readonly BpfInstruction[],
  call: FilteredCall,
  littleEndian: boolean,
): FilterOutcome {
  const words = dataWords(call, littleEndian);
  let accumulator = 0;
  let at = 0;
  for (let steps = 1; ; steps += 1) {
    const instruction = instructions[at];
    if (instruction === undefined) {
      throw new OrlopError("invalid", `Cannot interpret BPF: instruction ${at} is outside the program`);
    }
    const { code, jt, jf, k } = instruction;
    at += 1;
    if (code === BPF_CODES.RET_K) return { verdict: k, steps };
    if (code === BPF_CODES.LD_W_ABS) accumulator = words[k / 4] ?? 0;
    else if (code === BPF_CODES.ALU_AND_K) accumulator = (accumulator & k) >>> 0;
    else if (code === BPF_CODES.JA) at += k;
    else at += branchHolds(instruction, accumulator) ? jt : jf;
  }
}
