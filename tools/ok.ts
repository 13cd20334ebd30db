/**
 * `npm run ok`: what every commit passes. Format and lint, types, layers, tidiness, unit tests; under a minute
 * and without privileges. `npm run ok -- types tidy` runs those alone. Fuzzers take a short look, and long tests (`x.long.test.ts`) are
 * left out: `npm test` has both.
 */
import { runSteps } from "./steps/run-steps.ts";
import { staticSteps } from "./steps/static-steps.ts";
import { findTestFiles } from "./tests/find-test-files.ts";
import { runUnitTests, testStep } from "./tests/test-steps.ts";

const root = process.cwd();
process.env.ORLOP_FUZZ_RUNS ??= "100";
const unit = testStep(
  "unit",
  () => runUnitTests(root, findTestFiles(root).quick),
  () => {},
);
const groups = [staticSteps(root), [unit]];
const wanted = process.argv.slice(2);
const known = groups.flat().map(({ name }) => name);
const unknown = wanted.find((name) => !known.includes(name));
if (unknown !== undefined) {
  console.error(`Cannot run step "${unknown}": the steps are ${known.join(", ")}`);
  process.exitCode = 2;
} else {
  const chosen = groups.map((group) => group.filter(({ name }) => wanted.length === 0 || wanted.includes(name)));
  if (!(await runSteps(chosen, "first-failure", console.log))) process.exitCode = 1;
}
