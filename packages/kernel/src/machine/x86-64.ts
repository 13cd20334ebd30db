import { HEADER, HEADER_BYTES, HEADER_MAGIC, MACHINE_VERSION } from "../program/program.ts";
import {
  BOOT_ADDRESS,
  BOOT_MAX_BYTES,
  CONTROL_FD,
  MACHINE_REFUSED_STATUS,
  OPERANDS_OFFSET,
  SLOTS_ADDRESS,
} from "./memory-layout.ts";
import { type MemoryOperand, type Register, X86Assembler } from "./x86-64-assembler.ts";

const EINTR = 4;
const EFAULT = 14;
const SYS_READ = 0;
const SYS_EXIT_GROUP = 231;
/** Results from here up (unsigned) are errno values. */
const FIRST_ERROR = -4095;
const OPERAND_REGISTERS = ["rdi", "rsi", "rdx", "r10", "r8", "r9"] as const;

const CMP = 7;
const ADD = 0;
const AND = 4;
const MOV = 0x89;
const COMPARE = 0x39;

/**
 * The machine's code for x86-64.
 *
 * rbx: the program's header; rbp: the current instruction; r12: the failure handler's instruction or 0; r15: the slots.
 * No stack is used, no signal handler installed, so that a clone needs nothing but its copy of the memory.
 */
export function emitX86(): Buffer {
  const asm = new X86Assembler();
  emitBoot(asm);
  emitFetch(asm);
  emitDispatch(asm);
  emitSyscall(asm);
  emitControl(asm);
  emitMemoryAccess(asm);
  emitArithmetic(asm);
  return asm.assemble();
}

const load = (asm: X86Assembler, into: Register, from: MemoryOperand): void => asm.memory([0x8b], into, from, true);
const store = (asm: X86Assembler, to: MemoryOperand, from: Register): void => asm.memory([0x89], from, to, true);
const loadU32 = (asm: X86Assembler, into: Register, from: MemoryOperand): void => asm.memory([0x8b], into, from, false);
const loadU16 = (asm: X86Assembler, into: Register, from: MemoryOperand): void =>
  asm.memory([0x0f, 0xb7], into, from, false);
const loadU8 = (asm: X86Assembler, into: Register, from: MemoryOperand): void =>
  asm.memory([0x0f, 0xb6], into, from, false);

/** Reads one program from the control descriptor into the boot area: header first, then as much as it says. */
function emitBoot(asm: X86Assembler): void {
  asm.movImmediate("rbx", BOOT_ADDRESS);
  asm.movImmediate("r15", SLOTS_ADDRESS);
  asm.clear("r13"); // bytes read
  asm.movImmediate("r14", HEADER_BYTES); // bytes wanted
  asm.label("read");
  asm.movImmediate("rdi", CONTROL_FD);
  asm.memory([0x8d], "rsi", { base: "rbx", index: "r13" }, true);
  asm.registers(MOV, "rdx", "r14");
  asm.registers(0x29, "rdx", "r13");
  asm.movImmediate("rax", SYS_READ);
  asm.syscall();
  asm.immediate(CMP, "rax", -EINTR, true);
  asm.jcc("e", "read");
  asm.registers(0x85, "rax", "rax");
  asm.jcc("le", "die");
  asm.registers(0x01, "r13", "rax");
  asm.registers(COMPARE, "r13", "r14");
  asm.jcc("b", "read");
  asm.immediate(CMP, "r14", HEADER_BYTES, false);
  asm.jcc("ne", "enter");
  loadU32(asm, "r14", { base: "rbx", disp: HEADER.length });
  asm.immediate(CMP, "r14", HEADER_BYTES, false);
  asm.jcc("be", "die");
  asm.immediate(CMP, "r14", BOOT_MAX_BYTES, false);
  asm.jcc("be", "read");
  asm.jmp("die");
}

/** Evaluates the six operands of the current instruction into the system call registers. */
function emitFetch(asm: X86Assembler): void {
  asm.label("enter");
  asm.memory([0x81], CMP, { base: "rbx", disp: HEADER.magic }, false);
  asm.dword(HEADER_MAGIC);
  asm.jcc("ne", "die");
  asm.memory([0x81], CMP, { base: "rbx", disp: HEADER.version }, false);
  asm.dword(MACHINE_VERSION);
  asm.jcc("ne", "die");
  asm.memory([0x8d], "rbp", { base: "rbx", disp: HEADER_BYTES }, true);
  asm.clear("r12");
  asm.label("fetch");
  loadU16(asm, "rcx", { base: "rbp", disp: 6 });
  asm.clear("rdx");
  asm.label("operand");
  load(asm, "rax", { base: "rbp", index: "rdx", scale: 8, disp: 8 });
  asm.registers(MOV, "rsi", "rcx");
  asm.immediate(AND, "rsi", 3, false);
  asm.immediate(CMP, "rsi", 1, false);
  asm.jcc("b", "evaluated");
  asm.jcc("ne", "slot");
  asm.registers(0x01, "rax", "rbx");
  asm.jmp("evaluated");
  asm.label("slot");
  asm.immediate(AND, "rax", 0xff, false);
  load(asm, "rax", { base: "r15", index: "rax", scale: 8 });
  asm.label("evaluated");
  store(asm, { base: "r15", index: "rdx", scale: 8, disp: OPERANDS_OFFSET }, "rax");
  asm.shift(5, "rcx", 2);
  asm.immediate(ADD, "rdx", 1, false);
  asm.immediate(CMP, "rdx", 6, false);
  asm.jcc("b", "operand");
  for (const [index, register] of OPERAND_REGISTERS.entries()) {
    load(asm, register, { base: "r15", disp: OPERANDS_OFFSET + 8 * index });
  }
}

/** Goes to the op's code: a chain of two-way comparisons, shorter than a table. */
function emitDispatch(asm: X86Assembler): void {
  loadU8(asm, "rax", { base: "rbp", disp: 0 });
  const pairs = [
    [1, "syscall", "jump"],
    [3, "branch", "load"],
    [5, "store", "add"],
    [7, "and", "go"],
    [9, "fail", "handler"],
  ] as const;
  for (const [op, below, equal] of pairs) {
    asm.immediate(CMP, "rax", op, false);
    asm.jcc("b", below);
    asm.jcc("e", equal);
  }
  asm.label("die");
  asm.movImmediate("rdi", MACHINE_REFUSED_STATUS);
  asm.movImmediate("rax", SYS_EXIT_GROUP);
  asm.syscall();
}

function emitSyscall(asm: X86Assembler): void {
  asm.label("syscall");
  loadU16(asm, "rax", { base: "rbp", disp: 4 });
  asm.syscall();
  asm.label("result");
  loadU8(asm, "rcx", { base: "rbp", disp: 2 });
  store(asm, { base: "r15", index: "rcx", scale: 8 }, "rax");
  asm.immediate(CMP, "rax", FIRST_ERROR, true);
  asm.jcc("ae", "error");
  asm.label("next");
  asm.immediate(ADD, "rbp", 64, true);
  asm.jmp("fetch");
  asm.label("error");
  // Sums may be negative on purpose: only system calls have errors.
  loadU8(asm, "rcx", { base: "rbp", disp: 0 });
  asm.registers(0x85, "rcx", "rcx");
  asm.jcc("ne", "next");
  asm.negate("rax");
  loadU8(asm, "rcx", { base: "rbp", disp: 1 });
  asm.registers(0x85, "rcx", "rcx");
  asm.jcc("ne", "jump");
  for (let index = 0; index < 4; index++) {
    loadU8(asm, "rcx", { base: "rbp", disp: 60 + index });
    asm.registers(COMPARE, "rcx", "rax");
    asm.jcc("e", "jump");
  }
  asm.registers(MOV, "rdi", "rax");
}

function emitControl(asm: X86Assembler): void {
  asm.label("fail"); // errno in rdi
  asm.registers(MOV, "rax", "rbp");
  asm.registers(0x29, "rax", "rbx");
  asm.shift(5, "rax", 6);
  asm.immediate(5, "rax", 1, true);
  store(asm, { base: "r15", disp: 0 }, "rax");
  store(asm, { base: "r15", disp: 8 }, "rdi");
  asm.registers(MOV, "rbp", "r12");
  asm.clear("r12");
  asm.registers(0x85, "rbp", "rbp");
  asm.jcc("ne", "fetch");
  asm.jmp("die");
  asm.label("jump");
  emitTarget(asm, "rbp");
  asm.jmp("fetch");
  asm.label("handler");
  emitTarget(asm, "r12");
  asm.jmp("next");
  asm.label("branch");
  loadU16(asm, "rax", { base: "rbp", disp: 4 });
  asm.immediate(CMP, "rax", 1, false);
  asm.jcc("b", "eq");
  asm.jcc("e", "ne");
  asm.immediate(CMP, "rax", 3, false);
  asm.jcc("b", "lt");
  for (const [label, condition] of [["ge", "ae"], ["eq", "e"], ["ne", "ne"], ["lt", "b"]] as const) {
    asm.label(label);
    asm.registers(COMPARE, "rdi", "rsi");
    asm.jcc(condition, "jump");
    asm.jmp("next");
  }
  asm.label("go");
  asm.registers(MOV, "rbx", "rdi");
  asm.jmp("enter");
}

/** register = address of the instruction that the target field names. */
function emitTarget(asm: X86Assembler, register: Register): void {
  loadU32(asm, "rax", { base: "rbp", disp: 56 });
  asm.shift(4, "rax", 6);
  asm.memory([0x8d], register, { base: "rbx", index: "rax", disp: HEADER_BYTES }, true);
}

function emitMemoryAccess(asm: X86Assembler): void {
  for (const op of ["load", "store"] as const) {
    asm.label(op);
    asm.registers(COMPARE, "rsi", "rdx");
    asm.jcc("a", "fault");
    asm.registers(0x01, "rsi", "rdi");
    loadU8(asm, "rcx", { base: "rbp", disp: 4 });
    asm.immediate(CMP, "rcx", 2, false);
    asm.jcc("b", `${op}8`);
    asm.jcc("e", `${op}16`);
    asm.immediate(CMP, "rcx", 8, false);
    asm.jcc("e", `${op}64`);
    const at: MemoryOperand = { base: "rsi" };
    for (const width of [32, 8, 16, 64] as const) {
      asm.label(`${op}${width}`);
      if (op === "load") emitLoad(asm, width, at);
      else emitStore(asm, width, at);
      asm.jmp(op === "load" ? "result" : "next");
    }
  }
  asm.label("fault");
  asm.movImmediate("rdi", EFAULT);
  asm.jmp("fail");
}

function emitLoad(asm: X86Assembler, width: 8 | 16 | 32 | 64, at: MemoryOperand): void {
  if (width === 8) loadU8(asm, "rax", at);
  else if (width === 16) loadU16(asm, "rax", at);
  else asm.memory([0x8b], "rax", at, width === 64);
}

function emitStore(asm: X86Assembler, width: 8 | 16 | 32 | 64, at: MemoryOperand): void {
  if (width === 8) asm.memory([0x88], "r10", at, false);
  else asm.memory([0x89], "r10", at, width === 64, width === 16 ? 0x66 : 0);
}

function emitArithmetic(asm: X86Assembler): void {
  asm.label("add");
  asm.registers(0x01, "rdi", "rsi");
  asm.registers(MOV, "rax", "rdi");
  asm.jmp("result");
  asm.label("and");
  asm.registers(0x21, "rdi", "rsi");
  asm.registers(MOV, "rax", "rdi");
  asm.jmp("result");
}
