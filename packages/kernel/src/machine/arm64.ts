import { errnoNumber } from "../abi/errno.ts";
import { syscallNumber } from "../abi/syscalls.ts";
import {
  ERRNO_LIST_MAX,
  FAILED_ERRNO_SLOT,
  FAILED_INDEX_SLOT,
  FIELDS,
  INSTRUCTION_BYTES,
  STACK_SLOT,
} from "../program/instruction.ts";
import { HEADER, HEADER_BYTES, HEADER_MAGIC, MACHINE_VERSION } from "../program/program.ts";
import { Arm64Assembler, type MemoryOperand, type OperandWidth, type Register } from "./arm64-assembler.ts";
import type { AssembledCode } from "./code-buffer.ts";
import {
  BOOT_ADDRESS,
  BOOT_MAX_BYTES,
  CONTROL_FD,
  MACHINE_REFUSED_STATUS,
  OPERANDS_OFFSET,
  SLOTS_ADDRESS,
} from "./memory-layout.ts";

/** Adding this carries for the results -4095 to -1, which are errno values. */
const ERRNO_MAX = 4095;
const OPERAND_REGISTERS = ["x0", "x1", "x2", "x3", "x4", "x5"] as const;
const INSTRUCTION_SHIFT = Math.log2(INSTRUCTION_BYTES);

const PROGRAM = "x19";
const INSTRUCTION = "x20";
const HANDLER = "x21";
const SLOTS = "x22";

const field = (displacement: number): MemoryOperand => ({ base: INSTRUCTION, displacement });
const slot = (index: number): MemoryOperand => ({ base: SLOTS, displacement: 8 * index });

/**
 * The machine's code for arm64, label for label that of x86-64.
 *
 * x19: the program's header; x20: the current instruction; x21: the failure handler's instruction or 0; x22: the slots.
 * x9 to x15 are scratch; no stack is used and no signal handler installed.
 */
export function emitArm64(): AssembledCode {
  const asm = new Arm64Assembler();
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

/** cmp xn, #imm12. */
function compare(asm: Arm64Assembler, register: Register, value: number): void {
  asm.immediate("subs", "xzr", register, value);
}

/** cmp xn, xm. */
function compareRegisters(asm: Arm64Assembler, a: Register, b: Register): void {
  asm.registers("subs", "xzr", a, b);
}

function move(asm: Arm64Assembler, to: Register, from: Register): void {
  asm.registers("orr", to, "xzr", from);
}

/**
 * Reads one program from the control descriptor into the boot area, header first, then as much as it says; unless one is
 * there already, out of the executable.
 */
function emitBoot(asm: Arm64Assembler): void {
  asm.constant(PROGRAM, BOOT_ADDRESS);
  asm.constant(SLOTS, SLOTS_ADDRESS);
  asm.immediate("add", "x9", "sp", 0);
  asm.store(64, slot(STACK_SLOT), "x9");
  asm.load(32, "x9", { base: PROGRAM, displacement: HEADER.magic });
  asm.constant("x10", HEADER_MAGIC);
  compareRegisters(asm, "x9", "x10");
  asm.branch("eq", "enter");
  asm.constant("x23", 0); // bytes read
  asm.constant("x24", HEADER_BYTES); // bytes wanted
  asm.label("read");
  asm.constant("x0", CONTROL_FD);
  asm.registers("add", "x1", PROGRAM, "x23");
  asm.registers("sub", "x2", "x24", "x23");
  asm.constant("x8", syscallNumber("read", "aarch64"));
  asm.svc();
  asm.immediate("adds", "xzr", "x0", errnoNumber("EINTR"));
  asm.branch("eq", "read");
  compare(asm, "x0", 0);
  asm.branch("le", "die");
  asm.registers("add", "x23", "x23", "x0");
  compareRegisters(asm, "x23", "x24");
  asm.branch("cc", "read");
  compare(asm, "x24", HEADER_BYTES);
  asm.branch("ne", "enter");
  asm.load(32, "x24", { base: PROGRAM, displacement: HEADER.length });
  compare(asm, "x24", HEADER_BYTES);
  asm.branch("ls", "die");
  asm.constant("x9", BOOT_MAX_BYTES);
  compareRegisters(asm, "x24", "x9");
  asm.branch("ls", "read");
  asm.b("die");
}

/** Evaluates the six operands of the current instruction into the system call registers. */
function emitFetch(asm: Arm64Assembler): void {
  asm.label("enter");
  for (const [displacement, value] of [
    [HEADER.magic, HEADER_MAGIC],
    [HEADER.version, MACHINE_VERSION],
  ] as const) {
    asm.load(32, "x9", { base: PROGRAM, displacement });
    asm.constant("x10", value);
    compareRegisters(asm, "x9", "x10");
    asm.branch("ne", "die");
  }
  asm.immediate("add", INSTRUCTION, PROGRAM, HEADER_BYTES);
  asm.constant(HANDLER, 0);
  asm.label("fetch");
  asm.load(16, "x9", field(FIELDS.tags));
  asm.constant("x10", 0);
  asm.label("operand");
  asm.registers("add", "x11", INSTRUCTION, "x10", 3);
  asm.load(64, "x12", { base: "x11", displacement: FIELDS.operands });
  asm.bits("x13", "x9", 0, 2);
  compare(asm, "x13", 1);
  asm.branch("cc", "evaluated");
  asm.branch("ne", "slot");
  asm.registers("add", "x12", "x12", PROGRAM);
  asm.b("evaluated");
  asm.label("slot");
  asm.bits("x12", "x12", 0, 8);
  asm.load(64, "x12", { base: SLOTS, index: "x12", scaled: true });
  asm.label("evaluated");
  asm.registers("add", "x11", SLOTS, "x10", 3);
  asm.store(64, { base: "x11", displacement: OPERANDS_OFFSET }, "x12");
  asm.bits("x9", "x9", 2, 14);
  asm.immediate("add", "x10", "x10", 1);
  compare(asm, "x10", OPERAND_REGISTERS.length);
  asm.branch("cc", "operand");
  for (const [index, register] of OPERAND_REGISTERS.entries()) {
    asm.load(64, register, { base: SLOTS, displacement: OPERANDS_OFFSET + 8 * index });
  }
}

/** Goes to the op's code: a chain of two-way comparisons, shorter than a table. */
function emitDispatch(asm: Arm64Assembler): void {
  asm.load(8, "x9", field(FIELDS.op));
  const pairs = [
    [1, "syscall", "jump"],
    [3, "branch", "load"],
    [5, "store", "add"],
    [7, "and", "go"],
    [9, "fail", "handler"],
  ] as const;
  for (const [op, below, equal] of pairs) {
    compare(asm, "x9", op);
    asm.branch("cc", below);
    asm.branch("eq", equal);
  }
  asm.label("die");
  asm.constant("x0", MACHINE_REFUSED_STATUS);
  asm.constant("x8", syscallNumber("exit_group", "aarch64"));
  asm.svc();
}

function emitSyscall(asm: Arm64Assembler): void {
  asm.label("syscall");
  asm.load(16, "x8", field(FIELDS.number));
  asm.svc();
  asm.load(8, "x9", field(FIELDS.into));
  asm.store(64, { base: SLOTS, index: "x9", scaled: true }, "x0");
  asm.immediate("adds", "xzr", "x0", ERRNO_MAX);
  asm.branch("cs", "error");
  asm.label("next");
  asm.immediate("add", INSTRUCTION, INSTRUCTION, INSTRUCTION_BYTES);
  asm.b("fetch");
  asm.label("error");
  asm.registers("sub", "x0", "xzr", "x0");
  asm.load(8, "x9", field(FIELDS.flags));
  asm.branchIfNotZero("x9", "jump");
  for (let index = 0; index < ERRNO_LIST_MAX; index++) {
    asm.load(8, "x9", field(FIELDS.errnos + index));
    compareRegisters(asm, "x9", "x0");
    asm.branch("eq", "jump");
  }
}

/** Notes which instruction failed with what (the errno is in x0), and goes to the handler, which is good for once. */
function emitFailure(asm: Arm64Assembler): void {
  asm.label("fail");
  asm.registers("sub", "x9", INSTRUCTION, PROGRAM);
  asm.bits("x9", "x9", INSTRUCTION_SHIFT, 64 - INSTRUCTION_SHIFT);
  asm.immediate("sub", "x9", "x9", HEADER_BYTES / INSTRUCTION_BYTES);
  asm.store(64, slot(FAILED_INDEX_SLOT), "x9");
  asm.store(64, slot(FAILED_ERRNO_SLOT), "x0");
  move(asm, INSTRUCTION, HANDLER);
  asm.constant(HANDLER, 0);
  asm.branchIfZero(INSTRUCTION, "die");
  asm.b("fetch");
}

function emitControl(asm: Arm64Assembler): void {
  asm.label("jump");
  emitTarget(asm, INSTRUCTION);
  asm.b("fetch");
  asm.label("handler");
  emitTarget(asm, HANDLER);
  asm.b("next");
  asm.label("branch");
  asm.load(16, "x9", field(FIELDS.number));
  // Neither cbz nor sub touches the flags of this comparison.
  compareRegisters(asm, "x0", "x1");
  for (const condition of ["eq", "ne", "lt"]) {
    asm.branchIfZero("x9", condition);
    asm.immediate("sub", "x9", "x9", 1);
  }
  const conditions = [
    ["ge", "cs"],
    ["eq", "eq"],
    ["ne", "ne"],
    ["lt", "cc"],
  ] as const;
  for (const [label, condition] of conditions) {
    asm.label(label);
    asm.branch(condition, "jump");
    asm.b("next");
  }
  asm.label("go");
  move(asm, PROGRAM, "x0");
  asm.b("enter");
}

/** register = address of the instruction that the target field names. */
function emitTarget(asm: Arm64Assembler, register: Register): void {
  asm.load(32, "x9", field(FIELDS.target));
  asm.registers("add", register, PROGRAM, "x9", INSTRUCTION_SHIFT);
  asm.immediate("add", register, register, HEADER_BYTES);
}

/** The offset in x1 against the bound in x2, then the width's own instruction. */
function emitMemoryAccess(asm: Arm64Assembler): void {
  for (const op of ["load", "store"] as const) {
    asm.label(op);
    compareRegisters(asm, "x1", "x2");
    asm.branch("hi", "fault");
    asm.load(16, "x9", field(FIELDS.number));
    compare(asm, "x9", 2);
    asm.branch("cc", `${op}8`);
    asm.branch("eq", `${op}16`);
    compare(asm, "x9", 8);
    asm.branch("eq", `${op}64`);
    for (const width of [32, 8, 16, 64] as const) {
      asm.label(`${op}${width}`);
      emitAccess(asm, op, width);
    }
  }
  asm.label("fault");
  asm.constant("x0", errnoNumber("EFAULT"));
  asm.b("fail");
}

function emitAccess(asm: Arm64Assembler, op: "load" | "store", width: OperandWidth): void {
  const at: MemoryOperand = { base: "x0", index: "x1", scaled: false };
  if (op === "load") asm.load(width, "x0", at);
  else asm.store(width, at, "x3");
  asm.b(op === "load" ? "assign" : "next");
}

function emitArithmetic(asm: Arm64Assembler): void {
  asm.label("add");
  asm.registers("add", "x0", "x0", "x1");
  asm.b("assign");
  asm.label("and");
  asm.registers("and", "x0", "x0", "x1");
  // Not the way of a system call's result: sums may be negative on purpose.
  asm.label("assign");
  asm.load(8, "x9", field(FIELDS.into));
  asm.store(64, { base: SLOTS, index: "x9", scaled: true }, "x0");
  asm.b("next");
}
