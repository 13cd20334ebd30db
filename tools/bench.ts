/**
 * `npm run bench`: how fast and how small, beside the peers of this machine.
 *
 *     npm run bench -- [--json] [--write] [--quick | -n ROUNDS] [MEASUREMENT...]
 *
 * Prints a table, or with `--json` an array of rows; with `--write` makes docs/benchmarks.md of it. Medians of
 * interleaved runs. A goal that is missed is printed and is no failure.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import { type BenchGroup, benchGroups } from "./bench/bench-groups.ts";
import { parseBenchOptions } from "./bench/bench-options.ts";
import { BenchPlace, containerObstacle } from "./bench/bench-place.ts";
import type { BenchRow } from "./bench/bench-row.ts";
import { benchmarksDocument } from "./bench/benchmarks-document.ts";
import { comparedVersions, describeMachine } from "./bench/describe-machine.ts";
import { jsonText, tableText } from "./bench/print-rows.ts";

const root = process.cwd();
const warmUpRounds = 3;

/** Measures the groups one after the other. */
async function measure(
  groups: readonly BenchGroup[],
  count: number,
  signal: AbortSignal,
): Promise<readonly BenchRow[]> {
  const obstacle = containerObstacle();
  const isPlaceNeeded = obstacle === undefined && groups.some(({ containers }) => containers);
  await using place = isPlaceNeeded ? await BenchPlace.open() : undefined;
  const rounds = { count, warmUp: warmUpRounds, signal };
  const rows: BenchRow[] = [];
  for (const group of groups) {
    if (group.containers && place === undefined) {
      console.error(`Skipped ${group.name}: ${obstacle}`);
      continue;
    }
    console.error(`Measuring ${group.name}`);
    rows.push(
      ...(group.containers ? await group.measure(place as BenchPlace, rounds) : await group.measure(root, rounds)),
    );
  }
  return rows;
}

async function main(signal: AbortSignal): Promise<void> {
  const names = benchGroups.map(({ name }) => name);
  const options = parseBenchOptions(process.argv.slice(2), names);
  const obstacle = containerObstacle();
  if (options.write && obstacle !== undefined) {
    throw new OrlopError("unsupported", `Cannot write docs/benchmarks.md: most of it ${obstacle}`);
  }
  const machine = describeMachine(comparedVersions(root));
  const groups = benchGroups.filter(({ name }) => options.groups.length === 0 || options.groups.includes(name));
  const rows = await measure(groups, options.rounds, signal);
  if (options.write) {
    writeFileSync(join(root, "docs/benchmarks.md"), benchmarksDocument(rows, machine, options.rounds));
    console.error("Wrote docs/benchmarks.md");
  }
  console.log(options.json ? jsonText(rows) : tableText(rows));
}

// The first signal ends the measuring and lets everything be cleaned up; a second one ends this process.
const interrupt = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => interrupt.abort());
try {
  await main(interrupt.signal);
} catch (error) {
  if (!interrupt.signal.aborted && !(error instanceof OrlopError)) throw error;
  console.error(interrupt.signal.aborted ? "Interrupted; cleaned up" : (error as OrlopError).message);
  process.exitCode = interrupt.signal.aborted ? 130 : 1;
}
