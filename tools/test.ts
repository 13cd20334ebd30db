/**
 * `npm test`: everything that this machine can run. The steps of `npm run ok`, the packages built and tried
 * out, the tests that need root, those that need an ordinary user. What cannot run is skipped, and the reasons are summed up at the end.
 * `npm test -- mount seccomp` runs the test files whose path contains one of the words, and no other step.
 */
import { packageStep } from "./build/package-step.ts";
import { runSteps } from "./steps/run-steps.ts";
import { staticSteps } from "./steps/static-steps.ts";
import { closingLines, failedTitles, skipsText, slowestText } from "./tests/describe-outcome.ts";
import { findTestFiles } from "./tests/find-test-files.ts";
import { runRootlessTests } from "./tests/rootless-tests.ts";
import { addOutcomes, emptyOutcome, type TestOutcome } from "./tests/test-outcome.ts";
import { runKernelTests, runUnitTests, testStep } from "./tests/test-steps.ts";

const start = performance.now();
const root = process.cwd();
const filters = process.argv.slice(2);
const files = findTestFiles(root, filters);
let total = emptyOutcome;
const report = (outcome: TestOutcome): void => {
  total = addOutcomes(total, outcome);
};
const ok = await runSteps(
  [
    filters.length === 0 ? staticSteps(root) : [],
    [testStep("unit", () => runUnitTests(root, files.unit), report)],
    filters.length === 0 ? [packageStep(root)] : [],
    [testStep("root", () => runKernelTests(root, files.root), report)],
    [testStep("rootless", () => runRootlessTests(root, files.rootless), report)],
  ],
  "all-failures",
  console.log,
);
if (total.skips.length > 0) console.log(`\nSkipped, by reason:\n${skipsText(total)}`);
if (filters.length === 0) console.log(`\nSlowest files:\n${slowestText(total)}`);
if (total.failures.length > 0) console.log(`\nFailed:\n${failedTitles(total)}`);
const nothingFound = filters.length > 0 && total.counts.tests === 0;
if (nothingFound)
  console.log(`\nCannot run tests "${filters.join(" ")}": no test file's path contains one of the words`);
console.log(`\n${closingLines(total, performance.now() - start)}`);
if (!ok || nothingFound) process.exitCode = 1;
