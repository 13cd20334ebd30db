import { BOOT_ADDRESS, BOOT_MAX_BYTES, REQUEST_ADDRESS } from "../machine/memory-layout.ts";
import { Immediate, INSTRUCTION_BYTES, type Instruction } from "./instruction.ts";
import { HEADER_BYTES, type Program, pageBytes } from "./program.ts";
import { callSignature } from "./verify-call.ts";

/** MADV_DONTNEED: include/uapi/asm-generic/mman-common.h. */
const MADV_DONTNEED = 4n;

/**
 * Why a program in the request area may not give back this part of memory, or undefined. Nothing is given back but whole
 * pages of instructions that cannot be reached from there on, its own and those of the program that started it. So that it
 * is known where a failure would go, the handler has to be set right before, by an instruction that cannot be jumped over.
 */
export function checkOwnAdvice(program: Program, index: number): string | undefined {
  const { instructions, architecture } = program;
  const [start, length, advice] = instructions[index]?.operands ?? [];
  if (!(start instanceof Immediate && length instanceof Immediate && advice instanceof Immediate)) {
    return "madvise: not known before the program runs";
  }
  if (advice.value !== MADV_DONTNEED) return "madvise: another advice than MADV_DONTNEED";
  const page = BigInt(pageBytes(architecture));
  if (start.value % page !== 0n || length.value % page !== 0n) return "madvise: of parts of pages";
  const isStarter = start.value >= BOOT_ADDRESS && start.value + length.value <= BOOT_ADDRESS + BOOT_MAX_BYTES;
  const first = (Number(start.value) - REQUEST_ADDRESS - HEADER_BYTES) / INSTRUCTION_BYTES;
  const end = first + Number(length.value) / INSTRUCTION_BYTES;
  if (length.value > 0n && !isStarter && (first < 0 || end > instructions.length))
    return "madvise: of more than instructions";
  if (instructions[index - 1]?.op !== "handler" || instructions.some(({ target }) => target?.index === index)) {
    return "madvise: where it is not known what handles failures";
  }
  const reached = reachableFrom(program, index - 1);
  if (reached === undefined) return "madvise: by a program that may be entered again";
  const lost = [...reached].find((each) => each + 1 > first && each < end);
  return lost === undefined ? undefined : `madvise: of instruction ${lost}, which may yet be executed`;
}

/** Every instruction that control may get to from one that sets the handler; undefined where that may be any. */
function reachableFrom(program: Program, start: number): ReadonlySet<number> | undefined {
  const reached = new Set<number>();
  const open = [start];
  for (let index = open.pop(); index !== undefined; index = open.pop()) {
    const instruction = program.instructions[index];
    if (instruction === undefined || reached.has(index)) continue;
    if (instruction.op === "enter") return undefined;
    reached.add(index);
    // Of a handler's instruction the target is where any failure behind it may go.
    if (instruction.target?.index !== undefined) open.push(instruction.target.index);
    if (goesOn(program, instruction)) open.push(index + 1);
  }
  return reached;
}

function goesOn({ architecture }: Program, { op, number }: Instruction): boolean {
  if (op === "jump" || op === "fail") return false;
  return op !== "syscall" || callSignature(number, architecture)?.name !== "exit_group";
}
