import {
  BPF_ALU_OP,
  BPF_CLASS,
  BPF_EXIT,
  BPF_JA,
  BPF_JMP_OP,
  BPF_MEM,
  BPF_SIZE,
  BPF_X,
  type BpfInstruction,
  decodeBpfProgram,
} from "./bpf-instruction.ts";

const ALU_SYMBOLS = new Map<number, string>([
  [BPF_ALU_OP.ADD, "+="],
  [BPF_ALU_OP.SUB, "-="],
  [BPF_ALU_OP.OR, "|="],
  [BPF_ALU_OP.AND, "&="],
  [BPF_ALU_OP.LSH, "<<="],
  [BPF_ALU_OP.RSH, ">>="],
  [BPF_ALU_OP.XOR, "^="],
  [BPF_ALU_OP.MOV, "="],
]);

const JUMP_SYMBOLS = new Map<number, string>([
  [BPF_JMP_OP.JEQ, "=="],
  [BPF_JMP_OP.JGT, ">"],
  [BPF_JMP_OP.JGE, ">="],
  [BPF_JMP_OP.JSET, "&"],
  [BPF_JMP_OP.JNE, "!="],
  [BPF_JMP_OP.JLT, "<"],
  [BPF_JMP_OP.JLE, "<="],
]);

const SIZE_NAMES = new Map<number, string>([
  [BPF_SIZE.W, "u32"],
  [BPF_SIZE.H, "u16"],
  [BPF_SIZE.B, "u8"],
  [BPF_SIZE.DW, "u64"],
]);

/**
 * One line an instruction, in the notation of the kernel's verifier: `w` for the lower half of a register,
 * `r` for all of it, jumps relative (`goto +2`). What the assembler of this package cannot write is printed as
 * `(code) ...` in hexadecimal.
 */
export function disassembleBpf(program: Uint8Array): string[] {
  return decodeBpfProgram(program).map(disassembleInstruction);
}

function disassembleInstruction(instruction: BpfInstruction): string {
  const { code, destination, source, offset, immediate } = instruction;
  const family = code & 0x07;
  const operation = code & 0xf0;
  const wide = family === BPF_CLASS.ALU64 || family === BPF_CLASS.JMP;
  const left = `${wide ? "r" : "w"}${destination}`;
  const right = code & BPF_X ? `${wide ? "r" : "w"}${source}` : `${immediate}`;

  if (family === BPF_CLASS.ALU || family === BPF_CLASS.ALU64) {
    const symbol = ALU_SYMBOLS.get(operation);
    if (symbol !== undefined) return `${left} ${symbol} ${right}`;
  }
  if (family === BPF_CLASS.JMP || family === BPF_CLASS.JMP32) {
    if (code === (BPF_CLASS.JMP | BPF_EXIT)) return "exit";
    if (code === (BPF_CLASS.JMP | BPF_JA)) return `goto ${signed(offset)}`;
    const symbol = JUMP_SYMBOLS.get(operation);
    if (symbol !== undefined) return `if ${left} ${symbol} ${right} goto ${signed(offset)}`;
  }
  if (family === BPF_CLASS.LDX && (code & 0xe0) === BPF_MEM) {
    return `r${destination} = *(${SIZE_NAMES.get(code & 0x18)} *)(r${source} ${signed(offset)})`;
  }
  return `(${code.toString(16).padStart(2, "0")}) r${destination} r${source} ${signed(offset)} ${immediate}`;
}

function signed(offset: number): string {
  return offset < 0 ? `${offset}` : `+${offset}`;
}
