import assert from "node:assert/strict";
import { Label, type Program, ProgramBuilder, Slot, type Step } from "@orlop/kernel";

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
  const end = new Label("end");
  end.index = program.instructions.length;
  const [jump] = fragment(program, (p) => p.jump(end));
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
