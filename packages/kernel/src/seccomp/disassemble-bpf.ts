import { errnoName } from "../abi/errno.ts";
import { seccompArchitectures } from "../abi/syscall-numbers/seccomp-architecture.ts";
import { BPF_CODES, type BpfInstruction, decodeBpf } from "./bpf-instruction.ts";
import { SECCOMP_RETURNS } from "./seccomp-action.ts";
import { argumentOffset, SECCOMP_ARGS_MAX, SECCOMP_DATA } from "./seccomp-data.ts";

const returnNames = new Map<number, string>(Object.entries(SECCOMP_RETURNS).map(([name, value]) => [value, name]));
const actionMask = 0xffff_0000;
const dataMask = 0xffff;

const branchNames = new Map<number, string>([
  [BPF_CODES.JEQ_K, "jeq"],
  [BPF_CODES.JGT_K, "jgt"],
  [BPF_CODES.JGE_K, "jge"],
  [BPF_CODES.JSET_K, "jset"],
]);

function offsetNames(littleEndian: boolean): ReadonlyMap<number, string> {
  const names = new Map<number, string>([
    [SECCOMP_DATA.nr, "nr"],
    [SECCOMP_DATA.arch, "arch"],
  ]);
  for (let index = 0; index < SECCOMP_ARGS_MAX; index += 1) {
    for (const half of ["low", "high"] as const) {
      names.set(argumentOffset(index, half, littleEndian), `args[${index}].${half}`);
    }
  }
  return names;
}

/** `ERRNO(ENOSYS)`, `ALLOW`, `TRACE(1)`; a verdict that the kernel does not name as a number. */
export function seccompReturnText(verdict: number): string {
  const name = returnNames.get((verdict & actionMask) >>> 0);
  const data = verdict & dataMask;
  if (name === undefined) return `0x${verdict.toString(16)}`;
  if (name === "ERRNO") return `ERRNO(${errnoName(data)})`;
  return data === 0 && name !== "TRACE" ? name : `${name}(${data})`;
}

function hexadecimal(value: number): string {
  return `0x${value.toString(16)}`;
}

/**
 * A filter as text, one line an instruction: its number, the instruction with the numbers of the instructions that it
 * jumps to, and what is loaded or returned.
 *
 * @param filter `struct sock_filter[]`
 * @throws RangeError when it ends inside an instruction
 */
export function disassembleSeccompBpf(filter: Uint8Array, littleEndian = true): readonly string[] {
  const instructions = decodeBpf(filter, littleEndian);
  const offsets = offsetNames(littleEndian);
  const machines = new Map<number, string>();
  for (const { auditArch, name } of seccompArchitectures()) {
    const short = name.replace("SCMP_ARCH_", "");
    machines.set(auditArch, machines.has(auditArch) ? `${machines.get(auditArch)}, ${short}` : short);
  }
  let loaded: number | undefined;
  return instructions.map((instruction, at) => {
    if (instruction.code === BPF_CODES.LD_W_ABS) loaded = instruction.k;
    const note =
      loaded === SECCOMP_DATA.arch && branchNames.has(instruction.code) ? machines.get(instruction.k) : undefined;
    const text = instructionText(instruction, at, offsets);
    return `${String(at).padStart(4)}  ${note === undefined ? text : `${text.padEnd(36)}; ${note}`}`;
  });
}

function instructionText(
  { code, jt, jf, k }: BpfInstruction,
  at: number,
  offsets: ReadonlyMap<number, string>,
): string {
  const branch = branchNames.get(code);
  if (branch !== undefined) return `${branch} ${hexadecimal(k)} ? ${at + 1 + jt} : ${at + 1 + jf}`;
  switch (code) {
    case BPF_CODES.LD_W_ABS:
      return `ld ${offsets.get(k) ?? `[${k}]`}`;
    case BPF_CODES.ALU_AND_K:
      return `and ${hexadecimal(k)}`;
    case BPF_CODES.JA:
      return `ja ${at + 1 + k}`;
    case BPF_CODES.RET_K:
      return `ret ${seccompReturnText(k)}`;
    default:
      return `code ${hexadecimal(code)} jt ${jt} jf ${jf} k ${hexadecimal(k)}`;
  }
}
