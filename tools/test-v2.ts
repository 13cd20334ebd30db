/**
 * `npm run test:v2`: the tests that need root and the rootless ones, in a machine of their own: Debian's kernel,
 * systemd as process 1, version 2 of cgroups alone. `npm run test:v2 -- mount` runs those whose path contains the word.
 */
import { closingLines, failuresText, outcomeNote, skipsText } from "./tests/describe-outcome.ts";
import { findTestFiles } from "./tests/find-test-files.ts";
import type { FileReport } from "./vm/file-report.ts";
import { machineImage } from "./vm/machine-image.ts";
import { runTestsInMachine } from "./vm/run-tests-in-machine.ts";
import { untilInterrupted } from "./vm/until-interrupted.ts";

function printReport({ file, seconds, outcome }: FileReport): void {
  const ok = outcome.counts.failed + outcome.counts.cancelled === 0;
  console.log(`${ok ? "ok  " : "FAIL"} ${seconds.toFixed(1).padStart(7)} s  ${file}  ${outcomeNote(outcome)}`);
  if (!ok) console.log(`\n${failuresText(outcome)}\n`);
}

await untilInterrupted(async (signal) => {
  const start = performance.now();
  const root = process.cwd();
  const filters = process.argv.slice(2);
  const found = findTestFiles(root, filters);
  const files = [...found.root, ...found.rootless];
  if (files.length === 0) {
    console.log(`Cannot run tests "${filters.join(" ")}": no privileged test file's path contains one of the words`);
    return 1;
  }
  const image = await machineImage(root);
  const outcome = await runTestsInMachine({ image, root, files, onReport: printReport, signal });
  if (outcome.skips.length > 0) console.log(`\nSkipped, by reason:\n${skipsText(outcome)}`);
  console.log(`\n${closingLines(outcome, performance.now() - start)}`);
  return outcome.counts.failed + outcome.counts.cancelled === 0 ? 0 : 1;
});
