import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { shortId } from "@orlop/core";
import { Database } from "@orlop/image";
import { patience } from "@orlop/testkit";
import { LAST_LINE, OWN_CODES } from "./death-load-fixture.ts";
import type { DeathWorld } from "./death-world-fixture.ts";

/** Exit codes of a container that somebody has ended. */
const ENDED_CODES = [137, 143];
/** Of one whose reaper was killed: nobody knows. */
const LOST_CODE = 255;

const SETTLE_MAX_MS = patience(20_000);

/** What was found wrong, and how often something is as it may be only where certain processes were killed. */
export interface Findings {
  readonly wrong: string[];
  lostExits: number;
  lostTails: number;
  /** Runs, exit codes and lines that were looked at. */
  runs: number;
  lines: number;
}

interface Event {
  readonly id: string;
  readonly Action: string;
  readonly Type: string;
  readonly Actor: { readonly Attributes: Readonly<Record<string, string>> };
}

/**
 * All that has happened so far, against what the containers say of themselves: no exit code is made up, or lost but with
 * the reaper of the same container. `unwatched` has a container's id as often as a reaper of it was killed.
 */
export async function checkExits(
  world: DeathWorld,
  unwatched: readonly string[],
  findings: Findings,
): Promise<ReadonlySet<string>> {
  const { stdout, stderr } = await world.orlop("events", "--since", "1", "--until", "0s", "--format", "json");
  if (stderr !== "") findings.wrong.push(`events: ${stderr}`);
  const events = stdout.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Event]));
  const all = Map.groupBy(
    events.filter(({ Type }) => Type === "container"),
    ({ id }) => id,
  );
  for (const [id, own] of all) checkLife(id, own, findings);
  for (const [id, own] of all) {
    const codes = own.flatMap(({ Action, Actor }) => (Action === "die" ? [Number(Actor.Attributes.exitCode)] : []));
    findings.runs += codes.length;
    const done = readLines(join(world.directory("done"), shortId(id))).map(Number);
    const [ownCode] = done;
    const ends = codes.filter((code) => OWN_CODES.includes(code));
    const others = codes.length - ends.length;
    // A start that was cut off together with the reaper may have come to the end without anybody who knows of it.
    const unknown = Math.max(done.length - ends.length - others, 0);
    const lost = unknown + codes.filter((code) => code === LOST_CODE).length;
    findings.lostExits += lost;
    const reapers = unwatched.filter((each) => each === id).length;
    if (lost > reapers) {
      const story = own.map(({ Action }) => Action).join(" ");
      findings.wrong.push(
        `${id} lost ${lost} ends with ${reapers} reapers: ${story}; exit codes ${codes}, done ${done}`,
      );
    }
    const allowed = [...ENDED_CODES, LOST_CODE, ownCode];
    if (codes.some((code) => !allowed.includes(code)))
      findings.wrong.push(`exit codes of ${id}: ${codes}, done ${done}`);
    if (ends.length > done.length) {
      findings.wrong.push(`${id} has come to its end ${done.length} times, and its exit codes are ${codes}`);
    }
  }
  return new Set(all.keys());
}

/** Whoever starts dies before anything else becomes of him. */
function checkLife(id: string, events: readonly Event[], findings: Findings): void {
  let runs = false;
  for (const { Action } of events) {
    if (runs && (Action === "start" || Action === "destroy")) {
      findings.wrong.push(`events of ${id}: ${events.map((event) => event.Action).join(" ")}`);
      return;
    }
    if (Action === "start") runs = true;
    if (Action === "die") runs = false;
  }
}

/** The lines of every container that is there: those of each run from its first one, each once. */
export async function checkLogs(world: DeathWorld, findings: Findings): Promise<void> {
  const listed = async (): Promise<readonly string[]> => {
    const { stdout } = await world.orlop("ps", "-aq", "--no-trunc");
    return stdout.split("\n").filter((each) => each !== "");
  };
  for (const id of await listed()) {
    const { stdout: log, exitCode, stderr } = await world.orlop("logs", id);
    if (exitCode !== 0) {
      // One that goes with its end may have gone since.
      if (!(await listed()).includes(id)) continue;
      findings.wrong.push(`logs of ${id}: ${stderr}`);
    }
    const lines = log.split("\n").slice(0, -1).map(Number);
    findings.lines += lines.length;
    let last = -1;
    for (const line of lines) {
      if (line !== 0 && line !== last + 1) findings.wrong.push(`log of ${id}: ${line} follows ${last}: ${lines}`);
      last = line;
    }
    const done = readLines(join(world.directory("done"), shortId(id))).length;
    findings.lostTails += Math.max(done - lines.filter((line) => line === LAST_LINE).length, 0);
  }
}

/** What the commands say against what there is, while containers run. */
export async function checkRunning(world: DeathWorld, findings: Findings): Promise<void> {
  const { stdout, stderr, exitCode } = await world.orlop("ps", "-a", "--no-trunc", "--format", "{{.ID}} {{.State}}");
  if (exitCode !== 0 || stderr !== "") findings.wrong.push(`ps: ${stderr}`);
  const rows = stdout.split("\n").flatMap((line) => (line === "" ? [] : [line.split(" ") as [string, string]]));
  for (const [id, state] of rows) {
    // An attendant removes what was to be gone with its end, also just now.
    if (state === "removing" && (await isSoon(world, id, (now) => now === ""))) continue;
    if (!["created", "running", "exited", "restarting"].includes(state)) findings.wrong.push(`${id} is ${state}`);
    // What is running may have ended since.
    const isThere = existsSync(join(world.state, "containers", id));
    if (state !== "running" && state !== "restarting" && isThere && !(await isGoneSoon(world, id))) {
      findings.wrong.push(`${id} is ${state}, and there is something of a run`);
    }
  }
  const known = new Set(rows.map(([id]) => id));
  for (const id of names(join(world.state, "containers"))) {
    if (/^[0-9a-f]{64}$/.test(id) && !known.has(id)) findings.wrong.push(`${id} is there, and in no list`);
  }
}

/** A daemon goes on with what somebody has asked of it who was killed: until that is done one is not what it will be. */
async function isGoneSoon(world: DeathWorld, id: string): Promise<boolean> {
  const isGone = (state: string): boolean =>
    state === "" || state.startsWith("running") || !existsSync(join(world.state, "containers", id));
  return await isSoon(world, id, isGone);
}

/** Whether its state, which is empty once it is no more, is soon what it should be. */
async function isSoon(world: DeathWorld, id: string, isIt: (state: string) => boolean): Promise<boolean> {
  const deadline = performance.now() + SETTLE_MAX_MS;
  while (performance.now() < deadline) {
    const { stdout } = await world.orlop("ps", "-a", "--no-trunc", "--filter", `id=${id}`, "--format", "{{.State}}");
    if (isIt(stdout.trim())) return true;
  }
  return false;
}

/** Once all containers and networks have been removed: nothing of them is there. Waits for what takes a moment. */
export async function checkEmpty(
  world: DeathWorld,
  before: Leftovers,
  ids: ReadonlySet<string>,
  findings: Findings,
): Promise<void> {
  const deadline = performance.now() + SETTLE_MAX_MS;
  for (;;) {
    const found = difference(await readLeftovers(world, ids), before);
    if (found.length === 0) return;
    if (performance.now() > deadline) return void findings.wrong.push(...found.map((each) => `left: ${each}`));
    await delay(100);
  }
}

type Leftovers = readonly string[];

function difference(now: Leftovers, before: Leftovers): readonly string[] {
  const known = new Set(before);
  return now.filter((each) => !known.has(each));
}

/** Of processes, mounts, links, rules, cgroups, files and rows. */
export async function readLeftovers(world: DeathWorld, ids: ReadonlySet<string>): Promise<Leftovers> {
  const mounts = readLines(`/proc/${world.pid}/mountinfo`).map((line) => line.split(" ").slice(3, 5).join(" "));
  const links = readLines(`/proc/${world.pid}/net/dev`).flatMap((line) => /^ *(\S+):/.exec(line)?.[1] ?? []);
  const { stdout: rules } = await world.run("sh", "-c", "if command -v nft >/dev/null; then nft list ruleset; fi");
  return [
    ...world.processes().map(({ kind, commandLine }) => `process ${kind} ${commandLine}`),
    ...mounts.map((mount) => `mount ${mount}`),
    ...links.map((name) => `link ${name}`),
    ...(rules.match(/elements = [^}]*\}/g) ?? []),
    ...cgroups(ids).map((path) => `cgroup ${path}`),
    ...files(world.state).map((path) => `file ${path}`),
    ...["containers", "unmade", "locks", "volumes"]
      .flatMap((name) => files(join(world.fixture.store, name)))
      .filter(isOfContainer),
    ...rows(world),
  ];
}

function isOfContainer(path: string): boolean {
  return /[0-9a-f]{64}/.test(path);
}

const TABLES = [
  "engine_containers",
  "engine_specs",
  "network_endpoints",
  "network_addresses",
  "network_ports",
  "leases",
];

function rows(world: DeathWorld): readonly string[] {
  const path = join(world.fixture.store, "metadata.db");
  if (!existsSync(path)) return [];
  using database = new Database(path);
  const known = new Set(database.all("select name from sqlite_master").map(({ name }) => String(name)));
  return TABLES.filter((table) => known.has(table)).flatMap((table) =>
    database.all(`select * from ${table}`).map((row) => `row of ${table} ${JSON.stringify({ ...row })}`),
  );
}

/** Of those containers, in every hierarchy. */
function cgroups(ids: ReadonlySet<string>): readonly string[] {
  if (ids.size === 0) return [];
  const points = readLines("/proc/self/mountinfo").filter((line) => / - cgroup2? /.test(line));
  return points
    .flatMap((line) => directories(line.split(" ")[4] ?? "", 6))
    .filter((path) => [...path.matchAll(/[0-9a-f]{64}/g)].some(([id]) => ids.has(id)));
}

function directories(path: string, depth: number): readonly string[] {
  if (depth === 0) return [];
  return names(path, true).flatMap((name) => [`${path}/${name}`, ...directories(`${path}/${name}`, depth - 1)]);
}

function files(path: string): readonly string[] {
  try {
    const entries = readdirSync(path, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => !entry.isDirectory() || isOfContainer(entry.name))
      .map(({ parentPath, name }) => join(parentPath, name).slice(path.length));
  } catch {
    return [];
  }
}

function names(path: string, directoriesOnly = false): readonly string[] {
  try {
    const entries = readdirSync(path, { withFileTypes: true });
    return entries.filter((entry) => !directoriesOnly || entry.isDirectory()).map(({ name }) => name);
  } catch {
    return [];
  }
}

function readLines(path: string): readonly string[] {
  try {
    return readFileSync(path, "utf8")
      .split("\n")
      .filter((line) => line !== "");
  } catch {
    return [];
  }
}
