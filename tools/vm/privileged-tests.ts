/**
 * `node -C source tools/vm/privileged-tests.ts file... >results`: what `npm run test:v2` runs in its machine, as root.
 * A line of JSON (`FileReport`) for each file as it ends.
 */
import { runRootlessTests } from "../tests/rootless-tests.ts";
import { runKernelTests } from "../tests/test-steps.ts";
import type { FileReport } from "./file-report.ts";

const root = process.cwd();
for (const file of process.argv.slice(2)) {
  const start = performance.now();
  const run = file.endsWith(".rootless.test.ts") ? runRootlessTests : runKernelTests;
  const outcome = await run(root, [file]);
  const report: FileReport = { file, seconds: (performance.now() - start) / 1000, outcome };
  console.log(JSON.stringify(report));
}
