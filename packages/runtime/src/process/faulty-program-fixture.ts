import assert from "node:assert/strict";
import { explainJson, Label, Pointer, type Program, ProgramBuilder, Slot, type Step } from "@orlop/kernel";

type Instruction = Program["instructions"][number];

/** Instructions written apart, to be put into `program` behind its last one. */
function fragment(program: Program, write: (p: ProgramBuilder) => void): readonly Instruction[] {
  const p = new ProgramBuilder(program.architecture);
  p.step({ action: "fail on purpose" });
  write(p);
  const base = program.instructions.length;
  return p.build().instructions.map((instruction) => {
    if (instruction.target === undefined) return instruction;
    const target = new Label(instruction.target.name);
    target.index = base + (instruction.target.index ?? 0);
    return { ...instruction, target };
  });
}

function instructionAt(program: Program, index: number): Instruction {
  const instruction = program.instructions[index];
  assert(instruction !== undefined);
  return instruction;
}

/** Why instruction `index` is there, and which process runs it. */
export function stepAt(program: Program, index: number): Step {
  const step = program.steps[instructionAt(program, index).step];
  assert(step !== undefined);
  return step;
}

/** The program with an instruction that fails in the place of `index`. */
export function failAt(program: Program, index: number, errno: string): Program {
  const { step } = instructionAt(program, index);
  const [failing] = fragment(program, (p) => p.fail(errno));
  assert(failing !== undefined);
  return { ...program, instructions: program.instructions.with(index, { ...failing, step }) };
}

/** A slot that no program of ours is long enough to use. */
const PID = new Slot(250, "pid");

/**
 * The program with the end of its process in the place of `index`, as by SIGKILL. A first process of a pid namespace
 * cannot signal itself: it forbids itself every call, and makes one. Where a filter is in place already it can do neither.
 */
export function killAt(program: Program, index: number): Program {
  const { step } = instructionAt(program, index);
  const end = at(program.instructions.length);
  const [jump] = fragment(program, (p) => p.jump(at(0)));
  assert(jump !== undefined);
  const ending = fragment(program, (p) => {
    p.call("seccomp", [p.number(0, "SECCOMP_SET_MODE_STRICT"), 0, 0], { ignore: "any" });
    p.call("getpid", [], { into: PID, ignore: "any" });
    p.call("kill", [PID, 9], { ignore: "any" });
    p.call("exit_group", [137]);
  }).map((instruction) => ({ ...instruction, step }));
  const instructions = [...program.instructions.with(index, { ...jump, target: end, step }), ...ending];
  return { ...program, instructions };
}

/** A slot for how often an instruction was come to. */
const PASSES = new Slot(249, "passes");

/** The program with the end of its process before instruction `index`, when it comes there for the `pass`th time. */
export function killAtPass(program: Program, index: number, pass: number): Program {
  const counting = insertBefore(
    program,
    0,
    fragment(program, (p) => p.set(PASSES, 0)),
  );
  const kill = fragment(counting, (p) => {
    const alive = p.label("not yet");
    p.add(PASSES, PASSES, 1);
    p.branch(PASSES, "ne", pass, alive);
    p.call("getpid", [], { into: PID, ignore: "any" });
    p.call("kill", [PID, 9], { ignore: "any" });
    p.mark(alive);
  });
  return insertBefore(counting, index, kill);
}

/** Indices of the instructions that belong to a step whose action matches. */
export function instructionsOf(program: Program, action: RegExp, op?: Instruction["op"]): readonly number[] {
  return [...program.instructions.keys()].filter(
    (index) =>
      action.test(stepAt(program, index).action) && (op === undefined || program.instructions[index]?.op === op),
  );
}

/** Indices of the system calls of this name, in steps whose action matches. */
export function callsOf(program: Program, name: string, action: RegExp = /./): readonly number[] {
  return explainJson(program).steps.flatMap((step) =>
    action.test(step.action) ? step.calls.filter(({ call }) => call === name).map(({ index }) => index) : [],
  );
}

/** The program without what these instructions do: the protection that a test shows to be needed. */
export function without(program: Program, indices: readonly number[]): Program {
  let { instructions } = program;
  for (const index of indices) {
    const { step } = instructionAt(program, index);
    const [nothing] = fragment(program, (p) => p.set(PID, 0));
    assert(nothing !== undefined);
    instructions = instructions.with(index, { ...nothing, step });
  }
  assert.ok(indices.length > 0, "there is nothing to leave out");
  return { ...program, instructions };
}

function at(index: number): Label {
  const label = new Label("elsewhere");
  label.index = index;
  return label;
}

/** The program with a {@link fragment} of it before instruction `index`. */
function insertBefore(program: Program, index: number, inserted: readonly Instruction[]): Program {
  const { length } = program.instructions;
  const original = instructionAt(program, index);
  const [jump] = fragment(program, (p) => p.jump(at(0)));
  assert(jump !== undefined);
  const step = { step: original.step };
  const instructions = [
    ...program.instructions.with(index, { ...jump, ...step, target: at(length) }),
    ...inserted.map((instruction) => ({ ...instruction, ...step })),
    original,
    { ...jump, ...step, target: at(index + 1) },
  ];
  return { ...program, instructions };
}

/** The program with a pause before instruction `index`, in which a test can look at its process. */
export function pauseAt(program: Program, index: number, milliseconds: number): Program {
  const timespec = Buffer.alloc(16);
  timespec.writeBigUInt64LE(BigInt(Math.floor(milliseconds / 1000)), 0);
  timespec.writeBigUInt64LE(BigInt(milliseconds % 1000) * 1_000_000n, 8);
  const image = Buffer.concat([program.image, Buffer.alloc((8 - (program.image.length % 8)) % 8), timespec]);
  const time = new Pointer(image.length - timespec.length, timespec.length, "{pause}");
  const pause = fragment(program, (p) => {
    p.call("clock_nanosleep", [p.flags("CLOCK_MONOTONIC"), 0, time, 0], { ignore: "any" });
  });
  return insertBefore({ ...program, image }, index, pause);
}

/** The first of further such slots. */
const REFUSED_FIRST = 251;

/**
 * The program as a kernel would execute it that refuses the first call of each group, with an errno that the call is
 * ready for.
 */
export function refuseFirst(program: Program, ...groups: readonly (readonly number[])[]): Program {
  let refusing = program;
  for (const [number, indices] of groups.entries()) {
    assert.ok(indices.length > 0, "there is nothing to refuse");
    const refused = new Slot(REFUSED_FIRST + number, "refused");
    for (const index of indices) refusing = refuseUnless(refusing, index, refused);
    const reset = fragment(refusing, (p) => p.set(refused, 0));
    refusing = insertBefore(refusing, 0, reset);
  }
  return refusing;
}

function refuseUnless(program: Program, index: number, refused: Slot): Program {
  const { target } = instructionAt(program, index);
  const [branch, set, jump] = fragment(program, (p) => {
    const go = p.label("go on");
    p.branch(refused, "ne", 0, go);
    p.set(refused, 1);
    p.jump(go);
    p.mark(go);
  });
  assert(branch !== undefined && set !== undefined && jump !== undefined && target !== undefined);
  return insertBefore(program, index, [branch, set, { ...jump, target }]);
}

/** The same on every architecture: include/uapi/asm-generic/unistd.h. Its third argument's third field is `resolve`. */
const OPENAT2 = 437;
const RESOLVE_OFFSET = 16;

/** The program whose openat2 calls resolve as open(2) does: through every link, out of every root. */
export function resolveCarelessly(program: Program): Program {
  const image = Buffer.from(program.image);
  for (const { op, number, operands } of program.instructions) {
    const how = operands[2];
    if (op === "syscall" && number === OPENAT2 && how instanceof Pointer)
      image.writeBigUInt64LE(0n, how.offset + RESOLVE_OFFSET);
  }
  return { ...program, image };
}

const O_CLOEXEC = 0o2000000n;

/** The program whose openat calls leave what they open to whatever is executed. */
export function openCarelessly(program: Program): Program {
  const builder = new ProgramBuilder(program.architecture);
  let { instructions } = program;
  for (const index of callsOf(program, "openat")) {
    const { operands, ...rest } = instructionAt(program, index);
    const careless = operands.map((operand) =>
      "show" in operand && "value" in operand && /\bO_CLOEXEC\b/.test(operand.show)
        ? builder.number(operand.value & ~O_CLOEXEC, operand.show)
        : operand,
    );
    instructions = instructions.with(index, { ...rest, operands: careless });
  }
  return { ...program, instructions };
}
