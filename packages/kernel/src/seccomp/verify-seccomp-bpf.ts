import { OrlopError } from "@orlop/core";
import { BPF_BRANCH_MAX, BPF_CODES, BPF_INSTRUCTIONS_MAX, type BpfInstruction } from "./bpf-instruction.ts";
import { SECCOMP_DATA } from "./seccomp-data.ts";

const known: ReadonlySet<number> = new Set(Object.values(BPF_CODES));
const branches: ReadonlySet<number> = new Set([BPF_CODES.JEQ_K, BPF_CODES.JGT_K, BPF_CODES.JGE_K, BPF_CODES.JSET_K]);

function fits(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= max;
}

/** How far the instruction jumps at most; jumps only go forward. */
function jumpMax({ code, jt, jf, k }: BpfInstruction): number {
  if (code === BPF_CODES.JA) return k;
  return branches.has(code) ? Math.max(jt, jf) : 0;
}

/**
 * Checks what the kernel checks before it takes a filter (`bpf_check_classic` of net/core/filter.c,
 * `seccomp_check_filter` of kernel/seccomp.c), for the instructions that we emit: length, known instructions whose
 * numbers fit into their fields, loads inside the data, jumps inside the program, and a verdict at the end of every path.
 *
 * @throws OrlopError `internal`: a program that does not pass is our mistake
 */
export function verifySeccompBpf(instructions: readonly BpfInstruction[]): void {
  const count = instructions.length;
  const refuse = (at: number, what: string): OrlopError =>
    new OrlopError("internal", `Cannot load seccomp filter: instruction ${at} of ${count} ${what}`);
  if (count === 0 || count > BPF_INSTRUCTIONS_MAX) throw refuse(0, "is no program");
  for (const [at, instruction] of instructions.entries()) {
    const { code, jt, jf, k } = instruction;
    if (!known.has(code)) throw refuse(at, `has the unknown code ${code}`);
    if (!fits(jt, BPF_BRANCH_MAX) || !fits(jf, BPF_BRANCH_MAX) || !fits(k, 0xffff_ffff))
      throw refuse(at, "does not fit");
    if (code === BPF_CODES.LD_W_ABS && (k % 4 !== 0 || k >= SECCOMP_DATA.size))
      throw refuse(at, "loads outside the data");
    // What is not the last instruction either jumps or goes on, so this also gives every path its verdict.
    if (code !== BPF_CODES.RET_K && at + 1 + jumpMax(instruction) >= count)
      throw refuse(at, "leads out of the program");
  }
}
