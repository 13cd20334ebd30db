import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import {
  checkEmpty,
  checkExits,
  checkLogs,
  checkRunning,
  type Findings,
  readLeftovers,
} from "./death-findings-fixture.ts";
import { DeathLoad, NETWORKS, seeded } from "./death-load-fixture.ts";
import { DeathWorld } from "./death-world-fixture.ts";
import { KeptDaemon } from "./kept-daemon-fixture.ts";

/** So long commands are killed; without it, so many of them. */
const SECONDS = Number(process.env.ORLOP_DEATHS_SECONDS ?? 0);
const COMMANDS = 24;
/** After so long all stand still, and what there is is held against what the commands say. */
const ROUND_MS = 20_000;
const ACTORS = 3;
/** On a machine that is busy just when it is measured. */
const LIFE_MAX_MS = 2000;
const SEED = Number(process.env.ORLOP_DEATHS_SEED ?? Date.now() % 2 ** 31);

const skip = process.getuid?.() === 0 ? false : "needs root";

test(
  "whatever is killed under load, at the end all is as the kernel has it, and nothing is left or lost",
  {
    skip,
  },
  async (t) => await tryDeaths(t, false),
);

test("so it is where a daemon carries out the commands, which is killed as well", { skip }, async (t) => {
  await tryDeaths(t, true);
});

async function tryDeaths(t: TestContext, isServed: boolean): Promise<void> {
  await using world = await DeathWorld.make();
  if (world === undefined) return t.skip("needs namespaces for processes, mounts and networks");
  const findings: Findings = { wrong: [], lostExits: 0, lostTails: 0, runs: 0, lines: 0 };
  const ok = async (...args: readonly string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await world.orlop(...args);
    if (exitCode !== 0) findings.wrong.push(`${args.join(" ")}: ${stderr}`);
    return stdout.trim();
  };
  const before = await readLeftovers(world, new Set());
  const daemon = isServed ? await KeptDaemon.start(world) : undefined;
  const begunMs = performance.now();
  for (const network of NETWORKS) await ok("network", "create", network);
  // Twice as long as a command takes here alone.
  const lifeMaxMs = Math.min(performance.now() - begunMs, LIFE_MAX_MS);
  t.diagnostic(`seed ${SEED}, commands live for at most ${lifeMaxMs.toFixed(0)} ms`);
  const load = new DeathLoad(world, seeded(SEED), lifeMaxMs);
  do {
    const left = SECONDS * 1000 - (performance.now() - begunMs);
    await load.run({
      actors: ACTORS,
      ...(SECONDS > 0 ? { timeMs: Math.min(ROUND_MS, Math.max(left, 0)) } : { commands: COMMANDS }),
    });
    await checkRunning(world, findings);
    await checkLogs(world, findings);
  } while (performance.now() - begunMs < SECONDS * 1000);
  for (const id of (await ok("ps", "-aq", "--no-trunc")).split("\n")) if (id !== "") await ok("rm", "-f", id);
  // Whoever makes one sweeps up after those that did not come about.
  await ok("rm", await ok("create", "host", "true"));
  for (const network of NETWORKS) await ok("network", "rm", network);
  for (const line of (await daemon?.end()) ?? []) findings.wrong.push(`the daemon: ${line}`);
  const ids = await checkExits(world, load.counts.unwatched, findings);
  await checkEmpty(world, before, ids, findings);
  const { killed, commands, failures } = load.counts;
  t.diagnostic(`${commands} commands; killed: ${[...killed].map(([kind, count]) => `${kind} ${count}`).join(", ")}`);
  t.diagnostic(`${ids.size} containers, ${findings.runs} runs, ${findings.lines} lines of logs looked at`);
  t.diagnostic(`${findings.lostExits} ends unknown and ${findings.lostTails} last lines lost with what was killed`);
  for (const { args, stderr } of failures) {
    if (/should not have happened|internal/.test(stderr)) findings.wrong.push(`${args.join(" ")}: ${stderr}`);
  }
  if (process.env.ORLOP_DEATHS_SECONDS !== undefined) {
    for (const text of new Set(failures.map(({ args, stderr }) => `${args.slice(0, 2).join(" ")}: ${stderr.trim()}`))) {
      t.diagnostic(text.replaceAll(/[0-9a-f]{64}/g, "ID").replaceAll("\n", " "));
    }
  }
  assert.deepEqual(findings.wrong, []);
  assert.ok(findings.lostTails <= (killed.get("pump") ?? 0), "more logs lack their ends than pumps were killed");
}
