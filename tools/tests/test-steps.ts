import { availableParallelism } from "node:os";
import { patience } from "@orlop/testkit";
import type { Step } from "../steps/step.ts";
import { failuresText, outcomeNote } from "./describe-outcome.ts";
import { isLong } from "./find-test-files.ts";
import { runTests, type TestRunAs } from "./run-tests.ts";
import { addOutcomes, type TestOutcome } from "./test-outcome.ts";

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

/** Quick files to a process: most take less time than its start. */
const QUICK_TOGETHER = 12;

/** Unit tests: two processes more at once than the machine has cores, as some wait; from behind, where the long ones are. */
export async function runUnitTests(root: string, files: readonly string[]): Promise<TestOutcome> {
  const options = { concurrency: availableParallelism() + 2, fileTimeoutMs: unitFileTimeoutMs };
  const { long = [], quick = [] } = Object.groupBy(files.toReversed(), (file) => (isLong(file) ? "long" : "quick"));
  const slow = await runTests(root, long, options);
  return addOutcomes(slow, await runTests(root, quick, { ...options, together: QUICK_TOGETHER }));
}

/** Tests that share the machine's mounts, cgroups and interfaces: a file at a time. */
export function runKernelTests(root: string, files: readonly string[], runAs?: TestRunAs): Promise<TestOutcome> {
  const options = { concurrency: 1, fileTimeoutMs: kernelFileTimeoutMs };
  return runTests(root, files, runAs === undefined ? options : { ...options, runAs });
}
