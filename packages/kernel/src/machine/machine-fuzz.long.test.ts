import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Architecture } from "../abi/architecture.ts";
import { mutateProgram } from "../program/mutate-program-fixture.ts";
import type { Program } from "../program/program.ts";
import { isHarmless, Random, randomProgram } from "../program/random-program-fixture.ts";
import { verifyProgram } from "../program/verify.ts";
import { TestMachine } from "./machine-fixture.ts";

/** `ORLOP_FUZZ_RUNS=100000` looks for longer, `ORLOP_FUZZ_SEED=17` looks at one program. */
const RUNS = Number(process.env.ORLOP_FUZZ_RUNS ?? 400);
const SEED = process.env.ORLOP_FUZZ_SEED;
/** Emulation starts ten times slower than the machine itself. */
const EMULATED_SHARE = 10;
/** Programs may loop; who is still running then has not crashed. */
const STEP_BUDGET_MS = 60;
/** What a program may do to itself: write to a pipe that nobody reads. SIGKILL is the end of its budget. */
const SIGNALS_ALLOWED = [null, "SIGKILL", "SIGPIPE"];

/** What descriptor 0 gives: nothing that would be an instruction where it does not belong. */
const INPUT = Buffer.alloc(1 << 16, 0xa5);

function isAccepted(program: Program): boolean {
  try {
    verifyProgram(program);
    return true;
  } catch {
    return false;
  }
}

/** The first program of the seed's sequence that the verifier accepts and that may be run here. */
function acceptedProgram(seed: number, architecture: Architecture): Program {
  const random = new Random(seed);
  for (;;) {
    let program = randomProgram(random, architecture);
    while (random.chance(30)) program = mutateProgram(program, random);
    if (isAccepted(program) && isHarmless(program)) return program;
  }
}

for (const architecture of ["x86_64", "aarch64"] as const) {
  describe(`the machine on ${architecture}`, () => {
    test("is never brought down by a program that the verifier accepts", (t) => {
      const found = TestMachine.find(architecture);
      if (typeof found === "string") {
        t.skip(found);
        return;
      }
      using machine = found;
      const runs = machine.command.length > 1 ? Math.ceil(RUNS / EMULATED_SHARE) : RUNS;
      const seeds = SEED === undefined ? Array.from({ length: runs }, (_, index) => index) : [Number(SEED)];
      const outcomes = new Map<string, number>();
      for (const seed of seeds) {
        const program = acceptedProgram(seed, architecture);
        const timeoutMs = machine.command.length > 1 ? STEP_BUDGET_MS * EMULATED_SHARE : STEP_BUDGET_MS;
        const { status, signal } = machine.runProgram(program, { timeoutMs, input: INPUT });
        assert.ok(SIGNALS_ALLOWED.includes(signal), `${signal} with ORLOP_FUZZ_SEED=${seed}`);
        const outcome = signal ?? (status === 254 ? "refused" : "exited");
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
      // Programs that all leave at their first instruction would prove nothing.
      if (SEED === undefined) assert.ok((outcomes.get("exited") ?? 0) > runs / 10, JSON.stringify([...outcomes]));
      t.diagnostic(JSON.stringify(Object.fromEntries(outcomes)));
    });
  });
}
