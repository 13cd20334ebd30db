/**
 * `node -C source tools/tests/run-test-files.ts <file>... 3>outcome`: runs the tests of the files in this process, one after
 * another, and writes the outcome as JSON to descriptor 3.
 */
import { writeSync } from "node:fs";
import { enableCompileCache } from "node:module";
import { resolve } from "node:path";
import { run } from "node:test";
import { OutcomeCollector, type TestEventData } from "./outcome-collector.ts";
import type { TestOutcome } from "./test-outcome.ts";

const outcomeDescriptor = 3;

// Most files load the same sources, and stripping their types takes longer than most tests.
enableCompileCache(resolve(".cache", "node"));

function tell(outcome: TestOutcome): void {
  const bytes = Buffer.from(JSON.stringify(outcome));
  for (let at = 0; at < bytes.length; ) at += writeSync(outcomeDescriptor, bytes, at);
}

const collector = new OutcomeCollector();
process.on("SIGTERM", () => {
  const open = process.getActiveResourcesInfo().join(", ");
  console.log(`still running: ${collector.runningTitles().join(", ") || `no test, but something is open: ${open}`}`);
  tell(collector.outcomeSoFar());
  process.exit(1);
});
const files = process.argv.slice(2).map((file) => resolve(file));
for await (const event of run({ files, isolation: "none", concurrency: 1 })) {
  collector.take(event.type, event.data as TestEventData);
}
tell(collector.outcome());
