import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { runSteps } from "./run-steps.ts";
import type { Step, StepResult } from "./step.ts";

function step(name: string, result: StepResult): Step {
  return { name, run: async () => result };
}

async function printed(
  groups: readonly (readonly Step[])[],
  show: "first-failure" | "all-failures" = "first-failure",
): Promise<{ ok: boolean; text: string }> {
  const lines: string[] = [];
  const ok = await runSteps(groups, show, (line) => lines.push(line));
  return { ok, text: lines.join("\n") };
}

const green = step("green", { ok: true, note: "3 tests", output: "not shown", fix: "not shown" });
const red = step("red", { ok: false, output: "what is wrong", fix: "do this" });
const alsoRed = step("blue", { ok: false, output: "what else is wrong", fix: "do that" });

describe("running steps", () => {
  test("prints one line per step and nothing else when all went well", async () => {
    const { ok, text } = await printed([[green, step("other", { ok: true })]]);
    assert.equal(ok, true);
    assert.match(text, /^ok {3}green +\d+\.\d s {2}3 tests\nok {3}other +\d+\.\d s$/);
  });

  test("prints the first failure with its fix, and the names of the others", async () => {
    const { ok, text } = await printed([[green, red], [alsoRed]]);
    assert.equal(ok, false);
    assert.match(text, /FAIL red/);
    assert.match(text, /what is wrong\n\nFix: do this\n\nAlso failed: blue/);
    assert.doesNotMatch(text, /what else|not shown/);
  });

  test("prints every failure when asked", async () => {
    const { text } = await printed([[red, alsoRed]], "all-failures");
    assert.match(text, /Fix: do this.*what else is wrong\n\nFix: do that/s);
    assert.doesNotMatch(text, /Also failed/);
  });

  test("counts a step that throws as failed and goes on", async () => {
    const broken: Step = { name: "broken", run: () => Promise.reject(new Error("out of paper")) };
    const { ok, text } = await printed([[broken], [green]]);
    assert.equal(ok, false);
    assert.match(text, /FAIL broken.*ok {3}green.*out of paper/s);
  });
});
