import {
  BPF_ALU_OP,
  BPF_CLASS,
  BPF_EXIT,
  BPF_JA,
  BPF_JMP_OP,
  BPF_MEM,
  BPF_REGISTER_COUNT,
  BPF_SIZE,
  BPF_X,
  type BpfInstruction,
  decodeBpfProgram,
} from "./bpf-instruction.ts";

/** A context address no program can mistake for a number it computed. */
const CONTEXT_ADDRESS = 0x1_0000_0000n;
const LOW_HALF = 0xffff_ffffn;
const WHOLE = 0xffff_ffff_ffff_ffffn;

/**
 * Runs an eBPF program over a context, as the kernel would, and gives r0.
 *
 * It knows the instructions that {@link BpfAssembler} writes, and no helpers, maps or stack. Throws RangeError
 * on any other instruction, on a load outside the context, and when the program runs off its end: all of them
 * things that the kernel's verifier refuses.
 */
export function interpretBpf(program: Uint8Array, context: Uint8Array): bigint {
  const instructions = decodeBpfProgram(program);
  const registers = new BigUint64Array(BPF_REGISTER_COUNT);
  registers[1] = CONTEXT_ADDRESS;
  const view = new DataView(context.buffer, context.byteOffset, context.length);
  for (let at = 0; ; at++) {
    const instruction = instructions[at];
    if (instruction === undefined) throw new RangeError(`the program runs off its end at ${at}`);
    const family = instruction.code & 0x07;
    if (instruction.code === (BPF_CLASS.JMP | BPF_EXIT)) return registers[0] ?? 0n;
    if (family === BPF_CLASS.LDX) load(instruction, registers, view);
    else if (family === BPF_CLASS.ALU || family === BPF_CLASS.ALU64) compute(instruction, registers);
    else if (jumps(instruction, registers)) at += instruction.offset;
  }
}

function load(instruction: BpfInstruction, registers: BigUint64Array, context: DataView): void {
  if (instruction.code !== (BPF_CLASS.LDX | BPF_MEM | BPF_SIZE.W)) throw unknownInstruction(instruction);
  const offset = Number((registers[instruction.source] ?? 0n) - CONTEXT_ADDRESS) + instruction.offset;
  registers[instruction.destination] = BigInt(context.getUint32(offset, true));
}

function operands(instruction: BpfInstruction, registers: BigUint64Array): [left: bigint, right: bigint] {
  const family = instruction.code & 0x07;
  const mask = family === BPF_CLASS.ALU || family === BPF_CLASS.JMP32 ? LOW_HALF : WHOLE;
  const left = registers[instruction.destination] ?? 0n;
  const right = instruction.code & BPF_X ? (registers[instruction.source] ?? 0n) : BigInt(instruction.immediate);
  return [left & mask, right & mask];
}

function compute(instruction: BpfInstruction, registers: BigUint64Array): void {
  const [left, right] = operands(instruction, registers);
  const width = (instruction.code & 0x07) === BPF_CLASS.ALU ? 32n : 64n;
  const result = arithmetic(instruction, left, right, width);
  registers[instruction.destination] = BigInt.asUintN(Number(width), result);
}

function arithmetic(instruction: BpfInstruction, left: bigint, right: bigint, width: bigint): bigint {
  switch (instruction.code & 0xf0) {
    case BPF_ALU_OP.ADD:
      return left + right;
    case BPF_ALU_OP.SUB:
      return left - right;
    case BPF_ALU_OP.OR:
      return left | right;
    case BPF_ALU_OP.AND:
      return left & right;
    case BPF_ALU_OP.XOR:
      return left ^ right;
    case BPF_ALU_OP.LSH:
      return left << (right & (width - 1n));
    case BPF_ALU_OP.RSH:
      return left >> (right & (width - 1n));
    case BPF_ALU_OP.MOV:
      return right;
    default:
      throw unknownInstruction(instruction);
  }
}

function jumps(instruction: BpfInstruction, registers: BigUint64Array): boolean {
  const family = instruction.code & 0x07;
  if (family !== BPF_CLASS.JMP && family !== BPF_CLASS.JMP32) throw unknownInstruction(instruction);
  const [left, right] = operands(instruction, registers);
  switch (instruction.code & 0xf0) {
    case BPF_JA:
      return true;
    case BPF_JMP_OP.JEQ:
      return left === right;
    case BPF_JMP_OP.JNE:
      return left !== right;
    case BPF_JMP_OP.JGT:
      return left > right;
    case BPF_JMP_OP.JGE:
      return left >= right;
    case BPF_JMP_OP.JLT:
      return left < right;
    case BPF_JMP_OP.JLE:
      return left <= right;
    case BPF_JMP_OP.JSET:
      return (left & right) !== 0n;
    default:
      throw unknownInstruction(instruction);
  }
}

function unknownInstruction(instruction: BpfInstruction): RangeError {
  return new RangeError(`no interpretation of eBPF code 0x${instruction.code.toString(16)}`);
}
