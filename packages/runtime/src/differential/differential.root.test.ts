import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, type TestContext, test } from "node:test";
import {
  assertNoLeakSince,
  busyboxObstacle,
  type Comparison,
  compareFacts,
  type DifferentialConfig,
  type DifferentialRuntime,
  decodeExplainedDifferences,
  differentialConfigs,
  type ExplainedDifference,
  type FoundDifference,
  type KernelState,
  ociCommand,
  ociCommandVersion,
  reportDifferences,
  runConfig,
  snapshotKernelState,
  type TemporaryDirectory,
  temporaryDirectory,
} from "@orlop/testkit";
import { type OrlopAdapter, orlopAdapter } from "./orlop-adapter.ts";

/** What the rows of differences.json were written against: Debian 12's packages, on hybrid cgroups. */
const peers = [
  { command: "runc", version: /^1\.1\./, hideUnifiedCgroups: false },
  { command: "crun", version: /^1\.8\./, hideUnifiedCgroups: true },
] as const;

const rowsPath = join(import.meta.dirname, "differences.json");
const mark = `orlop-differential-${process.pid}`;

/** What all tests of this file share; made before the first and ended after the last. */
let rows: readonly ExplainedDifference[];
let directory: TemporaryDirectory;
let ours: OrlopAdapter;
let untouched: KernelState;
const runtimes: DifferentialRuntime[] = [];
const comparisons: Comparison[] = [];
let obstacle: string | undefined;
let runs = 0;

async function findObstacle(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return "needs root";
  if (!existsSync("/sys/fs/cgroup/unified/cgroup.procs")) return "differences.json is about hybrid cgroups";
  const missing: string[] = [];
  for (const { command, version } of peers) {
    const found = await ociCommandVersion(command);
    if (found === undefined) missing.push(`needs ${command} (Debian: apt-get install ${command})`);
    else if (!version.test(found)) missing.push(`differences.json is about ${command} ${version.source}, not ${found}`);
  }
  return busyboxObstacle() ?? missing[0];
}

/** As a row that only lacks its reason. */
function asRow({ config, key, runtime, theirs, ours }: FoundDifference): string {
  return JSON.stringify({ config, key, runtime, theirs: theirs ?? null, ours: ours ?? null, reason: "" });
}

async function compare(t: TestContext, config: DifferentialConfig): Promise<void> {
  const reason = obstacle ?? config.obstacle?.();
  if (reason !== undefined) return t.skip(reason);
  const own = await runConfig(config, ours, `${mark}-${++runs}`);
  const found: Comparison[] = [];
  for (const peer of runtimes) {
    const theirs = await runConfig(config, peer, `${mark}-${++runs}`);
    const differences = compareFacts(theirs.facts, own.facts);
    found.push({ config: config.name, runtime: peer.name, differences });
  }
  comparisons.push(...found);
  const { unexplained } = reportDifferences(rows, found);
  const said = own.result.stderr.trim();
  const list = unexplained.map(asRow).join("\n");
  assert.equal(unexplained.length, 0, `differs without a reason in differences.json:\n${list}\nWe said: ${said}`);
}

before(async () => {
  obstacle = await findObstacle();
  if (obstacle !== undefined) return;
  rows = decodeExplainedDifferences(readFileSync(rowsPath, "utf8"));
  directory = temporaryDirectory("orlop-differential-");
  untouched = snapshotKernelState({ mark, directories: [directory.path] });
  ours = orlopAdapter(join(directory.path, "orlop"));
  for (const { command, hideUnifiedCgroups } of peers) {
    const stateDirectory = join(directory.path, command);
    runtimes.push(ociCommand({ command, stateDirectory, hideUnifiedCgroups }));
  }
});

after(() => {
  if (obstacle === undefined) directory[Symbol.dispose]();
});

suite("the process runtime", { concurrency: 2 }, () => {
  for (const config of differentialConfigs) {
    test(`handles ${config.exercises} as runc and crun do (${config.name})`, (t) => compare(t, config));
  }
});

test("differences.json has no row that no longer differs", (t) => {
  if (obstacle !== undefined) return t.skip(obstacle);
  const { stale } = reportDifferences(rows, comparisons);
  const list = stale.map((row) => JSON.stringify(row)).join("\n");
  assert.equal(stale.length, 0, `${stale.length} rows no longer differ:\n${list}`);
});

test("nothing is left of all the containers", async (t) => {
  if (obstacle !== undefined) return t.skip(obstacle);
  ours[Symbol.dispose]();
  await assertNoLeakSince({ ...untouched, scope: { ...untouched.scope, keptDirectories: [] } });
});
