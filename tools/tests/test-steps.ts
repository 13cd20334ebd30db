import { availableParallelism } from "node:os";
import { patience } from "@orlop/testkit";
import type { Step } from "../steps/step.ts";
import { failuresText, outcomeNote } from "./describe-outcome.ts";
import { runTests, type TestRunAs } from "./run-tests.ts";
import type { TestOutcome } from "./test-outcome.ts";

const unitFileTimeoutMs = patience(60_000);
/** Root and rootless tests start real containers, some under emulation. */
const kernelFileTimeoutMs = patience(600_000);

/** A step that runs tests and hands the outcome to `report`. */
export function testStep(name: string, run: () => Promise<TestOutcome>, report: (outcome: TestOutcome) => void): Step {
  return {
    name,
    async run() {
      const outcome = await run();
      report(outcome);
      return {
        ok: outcome.counts.failed + outcome.counts.cancelled === 0,
        note: outcomeNote(outcome),
        output: failuresText(outcome),
        fix: "run one file alone: npm test -- <a part of its path>",
      };
    },
  };
}

/** Unit tests: two files more at once than the machine has cores, as some wait; from behind, where those are. */
export function runUnitTests(root: string, files: readonly string[]): Promise<TestOutcome> {
  return runTests(root, files.toReversed(), {
    concurrency: availableParallelism() + 2,
    fileTimeoutMs: unitFileTimeoutMs,
  });
}

/** Tests that share the machine's mounts, cgroups and interfaces: a file at a time. */
export function runKernelTests(root: string, files: readonly string[], runAs?: TestRunAs): Promise<TestOutcome> {
  const options = { concurrency: 1, fileTimeoutMs: kernelFileTimeoutMs };
  return runTests(root, files, runAs === undefined ? options : { ...options, runAs });
}
