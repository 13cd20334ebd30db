import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { Architecture } from "../abi/architecture.ts";
import { BOOT_ADDRESS, BOOT_MAX_BYTES, REQUEST_ADDRESS } from "../machine/memory-layout.ts";
import { ProgramBuilder } from "./builder.ts";
import { Immediate, type Label } from "./instruction.ts";
import { HEADER_BYTES, type Program } from "./program.ts";
import { verifyProgram } from "./verify.ts";

/** More instructions than fit into two pages. */
const MANY = 200;

interface Places {
  readonly p: ProgramBuilder;
  /** In front of the first instruction that is kept. */
  readonly kept: Label;
  /** The last part, which another process executes. */
  readonly other: Label;
  readonly failed: Label;
}

/** Many instructions; a part that forgets them, as `write` says, and ends; and many more for another process. */
function build(write: (places: Places) => void, architecture: Architecture = "x86_64"): Program {
  const p = new ProgramBuilder(architecture);
  const [kept, other, failed] = [p.label("kept"), p.label("other"), p.label("failed")];
  p.step({ action: "test what is given back" });
  p.call("clone", [17, 0, 0, 0, 0], { into: p.slot("child") });
  p.branch(p.slot("child"), "eq", 0, other);
  for (let count = 0; count < MANY; count++) p.call("getpid", []);
  p.mark(kept);
  write({ p, kept, other, failed });
  p.call("exit_group", [0]);
  p.mark(failed);
  p.call("exit_group", [1]);
  p.mark(other);
  for (let count = 0; count < MANY; count++) p.call("getpid", []);
  p.call("exit_group", [0]);
  return p.build();
}

const verify = (program: Program): void => verifyProgram(program, { loadAddress: REQUEST_ADDRESS });

function refuses(program: Program, reason: RegExp): void {
  assert.throws(() => verify(program), { code: "internal", message: reason });
}

/** With the operands of the first madvise changed. */
function changed(program: Program, change: (operands: readonly bigint[]) => readonly bigint[]): Program {
  const index = program.instructions.findIndex(({ operands }) => operands.length === 3);
  const instruction = program.instructions[index];
  assert(instruction !== undefined);
  const values = instruction.operands.map((operand) => (operand as Immediate).value);
  const operands = change(values).map((value) => new Immediate(value, String(value)));
  return { ...program, instructions: program.instructions.with(index, { ...instruction, operands }) };
}

suite("instructions that are given back", () => {
  const both = ({ p, kept, other, failed: handler }: Places): void => {
    p.forget({ from: undefined, to: kept, handler });
    p.forget({ from: other, to: undefined, handler });
  };

  test("are whole pages that are not reached any more", () => {
    const program = build(both);
    verify(program);
    const ranges = program.instructions
      .filter(({ operands }) => operands.length === 3)
      .map(({ operands }) => operands.slice(0, 2).map((operand) => Number((operand as Immediate).value)));
    const [first, second] = ranges as [[number, number], [number, number]];
    assert.deepEqual(first, [REQUEST_ADDRESS + 0x1000, 0x2000]);
    assert.equal(second[0] % 0x1000, 0);
    assert.ok(
      second[1] > 0 && second[0] + second[1] <= REQUEST_ADDRESS + HEADER_BYTES + 64 * program.instructions.length,
    );
  });

  test("are none on a machine whose pages may be larger than they are", () => {
    const { instructions } = build(both, "aarch64");
    const lengths = instructions.filter(({ operands }) => operands.length === 3).map(({ operands }) => operands[1]);
    assert.deepEqual(
      lengths.map((length) => (length as Immediate).value),
      [0n, 0n],
    );
  });

  test("are those of the starter, too, where no program is entered any more", () => {
    const program = build(({ p, failed }) => p.forgetStarter(failed));
    verify(program);
    const [start, length] = program.instructions.find(({ operands }) => operands.length === 3)?.operands ?? [];
    assert.equal((start as Immediate).value, BigInt(BOOT_ADDRESS));
    assert.equal((length as Immediate).value, BigInt(BOOT_MAX_BYTES));
    verify(build(({ p, failed }) => p.forgetStarter(failed), "aarch64"));
    refuses(
      build(({ p, failed }) => {
        p.forgetStarter(failed);
        p.enter(BOOT_ADDRESS);
      }),
      /entered again/,
    );
    // The slots are before it, nothing is behind it.
    for (const by of [-0x1000n, 0x1000n]) {
      refuses(
        changed(program, ([start = 0n, length = 0n, advice = 0n]) => [start + by, length, advice]),
        /of more than instructions/,
      );
    }
  });

  test("are none that a jump leads back to", () => {
    refuses(
      build(({ p, kept, other, failed: handler }) => {
        p.forget({ from: other, to: undefined, handler });
        p.branch(p.slot("child"), "eq", 1, other);
        p.forget({ from: undefined, to: kept, handler });
      }),
      /of instruction \d+, which may yet be executed/,
    );
  });

  test("are none that a failure leads back to, whether of the handler then or a later one", () => {
    refuses(
      build(({ p, other }) => p.forget({ from: other, to: undefined, handler: other })),
      /may yet be executed/,
    );
    refuses(
      build(({ p, other, failed: handler }) => {
        p.forget({ from: other, to: undefined, handler });
        p.handler(other);
      }),
      /may yet be executed/,
    );
  });

  test("are not the program's data, nor parts of a page", () => {
    const program = build(both);
    refuses(
      changed(program, ([start = 0n, , advice = 0n]) => [start, 0x10000n, advice]),
      /of more than instructions/,
    );
    refuses(
      changed(program, ([, length = 0n, advice = 0n]) => [BigInt(REQUEST_ADDRESS), length, advice]),
      /of more than instructions/,
    );
    refuses(
      changed(program, ([start = 0n, length = 0n, advice = 0n]) => [start + 64n, length, advice]),
      /of parts of pages/,
    );
    refuses(
      changed(program, ([start = 0n, length = 0n, advice = 0n]) => [start, length - 1n, advice]),
      /of parts of pages/,
    );
    refuses(
      changed(program, ([start = 0n, length = 0n]) => [start, length, 9n]),
      /another advice/,
    );
  });

  test("are given back only where it is known what handles failures, and not computed", () => {
    refuses(
      build(({ p }) => p.call("madvise", [REQUEST_ADDRESS + 0x1000, 0x1000, 4])),
      /what handles failures/,
    );
    refuses(
      build(({ p, other, failed: handler }) => {
        const over = p.label("over the handler");
        p.branch(p.slot("child"), "eq", 7, over);
        p.handler(handler);
        p.mark(over);
        p.call("madvise", [REQUEST_ADDRESS + 0x1000, 0x1000, 4]);
        p.forget({ from: other, to: undefined, handler });
      }),
      /what handles failures/,
    );
    refuses(
      build(({ p }) => p.call("madvise", [p.slot("child"), 0x1000, 4])),
      /not known/,
    );
    refuses(
      build(({ p, other, failed: handler }) => {
        p.forget({ from: other, to: undefined, handler });
        p.enter(REQUEST_ADDRESS);
      }),
      /entered again/,
    );
  });
});
