import { errnoNumber } from "../abi/errno.ts";
import { syscallNumber } from "../abi/syscalls.ts";
import { FAILED_ERRNO_SLOT, FAILED_INDEX_SLOT, FIELDS, INSTRUCTION_BYTES, STACK_SLOT } from "../program/instruction.ts";
import { HEADER, HEADER_BYTES, HEADER_MAGIC, MACHINE_VERSION } from "../program/program.ts";
import type { AssembledCode } from "./code-buffer.ts";
import {
  BOOT_ADDRESS,
  BOOT_MAX_BYTES,
  CONTROL_FD,
  MACHINE_REFUSED_STATUS,
  OPERANDS_OFFSET,
  SLOTS_ADDRESS,
} from "./memory-layout.ts";
import { type MemoryOperand, type OperandWidth, type Register, X86Assembler } from "./x86-64-assembler.ts";

/** Results from here up (unsigned) are errno values. */
const FIRST_ERROR = -4095;
const OPERAND_REGISTERS = ["rdi", "rsi", "rdx", "r10", "r8", "r9"] as const;
const INSTRUCTION_SHIFT = Math.log2(INSTRUCTION_BYTES);

const field = (displacement: number): MemoryOperand => ({ base: "rbp", displacement });
const slot = (index: number): MemoryOperand => ({ base: "r15", displacement: 8 * index });

/**
 * The machine's code for x86-64.
 *
 * rbx: the program's header; rbp: the current instruction; r12: the failure handler's instruction or 0; r15: the slots.
 * No stack is used and no signal handler installed, so that a clone needs nothing but its copy of the memory.
 */
export function emitX86(): AssembledCode {
  const asm = new X86Assembler();
  emitBoot(asm);
  emitFetch(asm);
  emitDispatch(asm);
  emitSyscall(asm);
  emitFailure(asm);
  emitControl(asm);
  emitMemoryAccess(asm);
  emitArithmetic(asm);
  return asm.assemble();
}

/**
 * Reads one program from the control descriptor into the boot area, header first, then as much as it says; unless one is
 * there already, out of the executable.
 */
function emitBoot(asm: X86Assembler): void {
  asm.constant("rbx", BOOT_ADDRESS);
  asm.constant("r15", SLOTS_ADDRESS);
  asm.store(64, slot(STACK_SLOT), "rsp");
  asm.compareMemory({ base: "rbx", displacement: HEADER.magic }, HEADER_MAGIC);
  asm.jcc("e", "enter");
  asm.clear("r13"); // bytes read
  asm.constant("r14", HEADER_BYTES); // bytes wanted
  asm.label("read");
  asm.constant("rdi", CONTROL_FD);
  asm.address("rsi", { base: "rbx", index: "r13" });
  asm.registers("mov", "rdx", "r14");
  asm.registers("sub", "rdx", "r13");
  asm.constant("rax", syscallNumber("read", "x86_64"));
  asm.syscall();
  asm.immediate("cmp", "rax", -errnoNumber("EINTR"), 64);
  asm.jcc("e", "read");
  asm.registers("test", "rax", "rax");
  asm.jcc("le", "die");
  asm.registers("add", "r13", "rax");
  asm.registers("cmp", "r13", "r14");
  asm.jcc("b", "read");
  asm.immediate("cmp", "r14", HEADER_BYTES);
  asm.jcc("ne", "enter");
  asm.load(32, "r14", { base: "rbx", displacement: HEADER.length });
  asm.immediate("cmp", "r14", HEADER_BYTES);
  asm.jcc("be", "die");
  asm.immediate("cmp", "r14", BOOT_MAX_BYTES);
  asm.jcc("be", "read");
  asm.jmp("die");
}

/** Evaluates the six operands of the current instruction into the system call registers. */
function emitFetch(asm: X86Assembler): void {
  asm.label("enter");
  asm.compareMemory({ base: "rbx", displacement: HEADER.magic }, HEADER_MAGIC);
  asm.jcc("ne", "die");
  asm.compareMemory({ base: "rbx", displacement: HEADER.version }, MACHINE_VERSION);
  asm.jcc("ne", "die");
  asm.address("rbp", { base: "rbx", displacement: HEADER_BYTES });
  asm.clear("r12");
  asm.label("fetch");
  asm.load(16, "rcx", field(FIELDS.tags));
  asm.clear("rdx");
  asm.label("operand");
  asm.load(64, "rax", { base: "rbp", index: "rdx", scale: 8, displacement: FIELDS.operands });
  asm.registers("mov", "rsi", "rcx");
  asm.immediate("and", "rsi", 3);
  asm.immediate("cmp", "rsi", 1);
  asm.jcc("b", "evaluated");
  asm.jcc("ne", "slot");
  asm.registers("add", "rax", "rbx");
  asm.jmp("evaluated");
  asm.label("slot");
  asm.immediate("and", "rax", 0xff);
  asm.load(64, "rax", { base: "r15", index: "rax", scale: 8 });
  asm.label("evaluated");
  asm.store(64, { base: "r15", index: "rdx", scale: 8, displacement: OPERANDS_OFFSET }, "rax");
  asm.shift("shr", "rcx", 2);
  asm.immediate("add", "rdx", 1);
  asm.immediate("cmp", "rdx", OPERAND_REGISTERS.length);
  asm.jcc("b", "operand");
  for (const [index, register] of OPERAND_REGISTERS.entries()) {
    asm.load(64, register, { base: "r15", displacement: OPERANDS_OFFSET + 8 * index });
  }
}

/** Goes to the op's code: a chain of two-way comparisons, shorter than a table. */
function emitDispatch(asm: X86Assembler): void {
  asm.load(8, "rax", field(FIELDS.op));
  const pairs = [
    [1, "syscall", "jump"],
    [3, "branch", "load"],
    [5, "store", "add"],
    [7, "and", "go"],
    [9, "fail", "handler"],
  ] as const;
  for (const [op, below, equal] of pairs) {
    asm.immediate("cmp", "rax", op);
    asm.jcc("b", below);
    asm.jcc("e", equal);
  }
  asm.label("die");
  asm.constant("rdi", MACHINE_REFUSED_STATUS);
  asm.constant("rax", syscallNumber("exit_group", "x86_64"));
  asm.syscall();
}

function emitSyscall(asm: X86Assembler): void {
  asm.label("syscall");
  asm.load(16, "rax", field(FIELDS.number));
  asm.syscall();
  asm.load(8, "rcx", field(FIELDS.into));
  asm.store(64, { base: "r15", index: "rcx", scale: 8 }, "rax");
  asm.immediate("cmp", "rax", FIRST_ERROR, 64);
  asm.jcc("ae", "error");
  asm.label("next");
  asm.immediate("add", "rbp", INSTRUCTION_BYTES, 64);
  asm.jmp("fetch");
  asm.label("error");
  asm.negate("rax");
  asm.load(8, "rcx", field(FIELDS.flags));
  asm.registers("test", "rcx", "rcx");
  asm.jcc("ne", "jump");
  for (let index = 0; index < 4; index++) {
    asm.load(8, "rcx", field(FIELDS.errnos + index));
    asm.registers("cmp", "rcx", "rax");
    asm.jcc("e", "jump");
  }
  asm.registers("mov", "rdi", "rax");
}

/** Notes which instruction failed with what (the errno is in rdi), and goes to the handler, which is good for once. */
function emitFailure(asm: X86Assembler): void {
  asm.label("fail");
  asm.registers("mov", "rax", "rbp");
  asm.registers("sub", "rax", "rbx");
  asm.shift("shr", "rax", INSTRUCTION_SHIFT);
  asm.immediate("sub", "rax", HEADER_BYTES / INSTRUCTION_BYTES);
  asm.store(64, slot(FAILED_INDEX_SLOT), "rax");
  asm.store(64, slot(FAILED_ERRNO_SLOT), "rdi");
  asm.registers("mov", "rbp", "r12");
  asm.clear("r12");
  asm.registers("test", "rbp", "rbp");
  asm.jcc("ne", "fetch");
  asm.jmp("die");
}

function emitControl(asm: X86Assembler): void {
  asm.label("jump");
  emitTarget(asm, "rbp");
  asm.jmp("fetch");
  asm.label("handler");
  emitTarget(asm, "r12");
  asm.jmp("next");
  asm.label("branch");
  asm.load(16, "rax", field(FIELDS.number));
  asm.immediate("cmp", "rax", 1);
  asm.jcc("b", "eq");
  asm.jcc("e", "ne");
  asm.immediate("cmp", "rax", 3);
  asm.jcc("b", "lt");
  const conditions = [
    ["ge", "ae"],
    ["eq", "e"],
    ["ne", "ne"],
    ["lt", "b"],
  ] as const;
  for (const [label, condition] of conditions) {
    asm.label(label);
    asm.registers("cmp", "rdi", "rsi");
    asm.jcc(condition, "jump");
    asm.jmp("next");
  }
  asm.label("go");
  asm.registers("mov", "rbx", "rdi");
  asm.jmp("enter");
}

/** register = address of the instruction that the target field names. */
function emitTarget(asm: X86Assembler, register: Register): void {
  asm.load(32, "rax", field(FIELDS.target));
  asm.shift("shl", "rax", INSTRUCTION_SHIFT);
  asm.address(register, { base: "rbx", index: "rax", displacement: HEADER_BYTES });
}

/** The offset in rsi against the bound in rdx, then the width's own instruction. */
function emitMemoryAccess(asm: X86Assembler): void {
  for (const op of ["load", "store"] as const) {
    asm.label(op);
    asm.registers("cmp", "rsi", "rdx");
    asm.jcc("a", "fault");
    asm.registers("add", "rsi", "rdi");
    asm.load(16, "rcx", field(FIELDS.number));
    asm.immediate("cmp", "rcx", 2);
    asm.jcc("b", `${op}8`);
    asm.jcc("e", `${op}16`);
    asm.immediate("cmp", "rcx", 8);
    asm.jcc("e", `${op}64`);
    for (const width of [32, 8, 16, 64] as const) {
      asm.label(`${op}${width}`);
      emitAccess(asm, op, width);
    }
  }
  asm.label("fault");
  asm.constant("rdi", errnoNumber("EFAULT"));
  asm.jmp("fail");
}

function emitAccess(asm: X86Assembler, op: "load" | "store", width: OperandWidth): void {
  if (op === "load") asm.load(width, "rax", { base: "rsi" });
  else asm.store(width, { base: "rsi" }, "r10");
  asm.jmp(op === "load" ? "assign" : "next");
}

function emitArithmetic(asm: X86Assembler): void {
  asm.label("add");
  asm.registers("add", "rdi", "rsi");
  asm.registers("mov", "rax", "rdi");
  asm.jmp("assign");
  asm.label("and");
  asm.registers("and", "rdi", "rsi");
  asm.registers("mov", "rax", "rdi");
  // Not the way of a system call's result: sums may be negative on purpose.
  asm.label("assign");
  asm.load(8, "rcx", field(FIELDS.into));
  asm.store(64, { base: "r15", index: "rcx", scale: 8 }, "rax");
  asm.jmp("next");
}
