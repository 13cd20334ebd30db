import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { type TestContext, test } from "node:test";
import { type LinuxResources, OrlopError } from "@orlop/core";
import { applyResources } from "./apply-resources.ts";
import { parseCgroupsPath } from "./cgroup-path.ts";
import { type CgroupDirectory, type CgroupPlan, directoryFor } from "./cgroup-plan.ts";
import { readCgroupLayout } from "./detect-cgroups.ts";
import { executeCgroupOperations } from "./execute-operations.ts";
import { freezeCgroup, readFreezerState, thawCgroup } from "./freeze-cgroup.ts";
import { killCgroup } from "./kill-cgroup.ts";
import { listProcesses } from "./list-processes.ts";
import { planCgroup } from "./plan-cgroup.ts";
import { readOomEvents } from "./read-oom-events.ts";
import { readCgroupStats } from "./read-stats.ts";
import { removeCgroups } from "./remove-cgroup.ts";

/** On the machine's real hierarchies, below one directory of our own in each. */
const PARENT = `orlop-cgroup-test-${process.pid}`;

function planned(name: string, resources: LinuxResources): CgroupPlan {
  const location = parseCgroupsPath(`/${PARENT}/${name}`, { driver: "cgroupfs", containerId: name, rootless: false });
  return planCgroup(readCgroupLayout(), location, resources, { rootless: false });
}

/** Pure version 2 needs bpf(2) for the device list, which is not what these tests are about. */
const execute = (plan: CgroupPlan) => executeCgroupOperations(plan.operations, { attachDeviceFilter: () => {} });

function join(plan: CgroupPlan, pid: number): void {
  for (const { directory, file } of plan.join) writeFileSync(`${directory}/${file}`, `${pid}`);
  if (plan.cloneInto !== undefined) writeFileSync(`${plan.cloneInto}/cgroup.procs`, `${pid}`);
}

async function cleanUp(plan: CgroupPlan): Promise<void> {
  await killCgroup(plan.directories);
  await removeCgroups(plan.remove);
  await removeCgroups(plan.remove.map((directory) => dirname(directory)));
}

/** Runs the body with a cgroup of its own, made by the plan, and takes everything away afterwards. */
function testInCgroup(
  title: string,
  resources: LinuxResources,
  body: (plan: CgroupPlan, t: TestContext) => Promise<void> | void,
): void {
  test(title, async (t) => {
    const reason = skipReason();
    if (reason !== undefined) return t.skip(reason);
    const plan = planned(title.replace(/[^a-z]+/gi, "-").slice(0, 40), resources);
    execute(plan);
    try {
      await body(plan, t);
    } finally {
      await cleanUp(plan);
    }
    for (const path of plan.remove) assert(!existsSync(path), `${path} is left over`);
  });
}

function skipReason(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root";
  const layout = readCgroupLayout();
  if (layout.mode === "none") return "needs a cgroup mount";
  return [...layout.v1, layout.v2].some((hierarchy) => hierarchy?.readOnly) ? "needs writable cgroups" : undefined;
}

async function start(command: string, ...args: string[]): Promise<ChildProcess & { pid: number }> {
  const child = spawn(command, args, { stdio: "ignore" });
  await once(child, "spawn");
  assert(child.pid !== undefined);
  return child as ChildProcess & { pid: number };
}

function contents(plan: CgroupPlan, controller: string, v1File: string, v2File: string): string {
  const directory = directoryFor(plan.directories, controller);
  assert(directory !== undefined);
  return readFileSync(`${directory.path}/${directory.version === 1 ? v1File : v2File}`, "utf8").trim();
}

function memoryLimit(directories: readonly CgroupDirectory[]): bigint | undefined {
  return readCgroupStats(directories).memory?.limit;
}

testInCgroup(
  "a plan makes cgroups with the limits it says",
  { memory: { limit: 64 << 20 }, pids: { limit: 12 }, cpu: { shares: 512, quota: 20_000, period: 50_000, cpus: "0" } },
  (plan) => {
    assert.equal(memoryLimit(plan.directories), 67_108_864n);
    assert.equal(contents(plan, "pids", "pids.max", "pids.max"), "12");
    assert.equal(
      contents(plan, "cpu", "cpu.cfs_quota_us", "cpu.max"),
      directoryFor(plan.directories, "cpu")?.version === 1 ? "20000" : "20000 50000",
    );
    assert.equal(contents(plan, "cpuset", "cpuset.cpus", "cpuset.cpus"), "0");
    assert.notEqual(contents(plan, "cpuset", "cpuset.mems", "cpuset.mems.effective"), "");
  },
);

testInCgroup("a process in the cgroup is listed, counted and measured", { pids: { limit: 7 } }, async (plan) => {
  const child = await start("sh", "-c", "while :; do :; done");
  join(plan, child.pid);
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.deepEqual(listProcesses(plan.directories), [child.pid]);
  const stats = readCgroupStats(plan.directories);
  assert.deepEqual(stats.pids, { current: 1n, limit: 7n });
  assert((stats.cpu?.usageNs ?? 0n) > 1_000_000n, `${stats.cpu?.usageNs} ns`);
  assert((stats.memory?.usage ?? -1n) >= 0n);
  assert("pgfault" in (stats.memory?.stat ?? {}));
  assert.equal(stats.memory?.limit, undefined);
});

testInCgroup("freezing stops the processes and thawing lets them run on", {}, async (plan) => {
  const child = await start("sh", "-c", "while :; do :; done");
  join(plan, child.pid);
  assert.equal(readFreezerState(plan.directories), "thawed");
  await freezeCgroup(plan.directories);
  assert.equal(readFreezerState(plan.directories), "frozen");
  const before = readCgroupStats(plan.directories).cpu?.usageNs;
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(readCgroupStats(plan.directories).cpu?.usageNs, before);
  thawCgroup(plan.directories);
  assert.equal(readFreezerState(plan.directories), "thawed");
});

testInCgroup("version 1's freezer does the same where there is no other", {}, async (plan, t) => {
  const directories = plan.directories.filter(({ version }) => version === 1);
  if (directoryFor(directories, "freezer") === undefined) return t.skip("needs a version 1 freezer hierarchy");
  const child = await start("sleep", "60");
  join(plan, child.pid);
  await freezeCgroup(directories);
  assert.equal(readFreezerState(directories), "frozen");
  thawCgroup(directories);
  assert.equal(readFreezerState(directories), "thawed");
});

testInCgroup(
  "limits change up and down while a process runs",
  { memory: { limit: 64 << 20, swap: 64 << 20 } },
  async (plan) => {
    const child = await start("sleep", "60");
    join(plan, child.pid);
    const update = (resources: LinuxResources) =>
      applyResources(plan.directories, resources, { rootless: false, attachDeviceFilter: async () => {} });
    await update({ memory: { limit: 128 << 20, swap: 128 << 20 } });
    assert.equal(memoryLimit(plan.directories), 134_217_728n);
    await update({ memory: { limit: 32 << 20, swap: 48 << 20 } });
    assert.equal(memoryLimit(plan.directories), 33_554_432n);
    await update({ memory: { limit: -1 }, pids: { limit: 3 } });
    assert.equal(memoryLimit(plan.directories), undefined);
    assert.equal(readCgroupStats(plan.directories).pids?.limit, 3n);
    await update({ cpu: { quota: 1000, period: 1000, shares: 100 } });
    await update({ cpu: { quota: 200_000, period: 400_000 } });
    assert.equal(readCgroupStats(plan.directories).pids?.limit, 3n);
  },
);

testInCgroup("killing takes a whole tree of processes, also one in a cgroup below", {}, async (plan) => {
  const child = await start("sh", "-c", "sleep 60 & sh -c 'sleep 60 & sleep 60' & wait");
  join(plan, child.pid);
  const below = await start("sleep", "60");
  const pids = directoryFor(plan.directories, "pids") ?? plan.directories[0];
  assert(pids !== undefined);
  join(plan, below.pid);
  mkdirSync(`${pids.path}/below`);
  writeFileSync(`${pids.path}/below/cgroup.procs`, `${below.pid}`);
  const exits = [once(child, "exit"), once(below, "exit")];
  await killCgroup(plan.directories);
  assert.deepEqual(
    (await Promise.all(exits)).map(([, signal]) => signal),
    ["SIGKILL", "SIGKILL"],
  );
  assert.deepEqual(listProcesses(plan.directories), []);
});

testInCgroup("killing by pid works where cgroup.kill does not reach", {}, async (plan, t) => {
  const directories = plan.directories.filter(({ version }) => version === 1);
  if (directories.length === 0) return t.skip("needs a version 1 hierarchy");
  const child = await start("sh", "-c", "sleep 60 & sleep 60 & wait");
  join(plan, child.pid);
  const exit = once(child, "exit");
  await killCgroup(directories);
  assert.equal((await exit)[1], "SIGKILL");
});

testInCgroup("a cgroup in use is not removed, and the error says so", {}, async (plan) => {
  const child = await start("sleep", "60");
  join(plan, child.pid);
  await assert.rejects(removeCgroups(plan.remove), (error) => {
    assert(error instanceof OrlopError && error.code === "conflict" && error.errno === "EBUSY");
    assert.match(error.message, /after 10 attempts/);
    return true;
  });
  await assert.rejects(removeCgroups(plan.remove, AbortSignal.abort()), /called off/);
  // The attempt removed what it could; the process is still where it was in the others.
  assert.deepEqual(listProcesses(plan.directories), [child.pid]);
});

testInCgroup("a kill by the OOM killer is counted", { memory: { limit: 16 << 20, swap: 16 << 20 } }, async (plan) => {
  const entry = [...plan.join.map(({ directory }) => directory), plan.cloneInto ?? []].flat();
  const enter = entry.map((directory) => `echo $$ > ${directory}/cgroup.procs`).join(" && ");
  assert.equal(readOomEvents(plan.directories)?.kills, 0n);
  const run = spawnSync("sh", ["-c", `${enter} && exec dd if=/dev/zero of=/dev/null bs=64M count=1`]);
  assert.equal(run.signal, "SIGKILL");
  assert((readOomEvents(plan.directories)?.kills ?? 0n) >= 1n);
});

testInCgroup("only listed devices can be opened", { devices: [{ allow: false, access: "rwm" }] }, async (plan, t) => {
  if (directoryFor(plan.directories, "devices")?.version !== 1) return t.skip("needs a version 1 devices hierarchy");
  const enter = plan.join.map(({ directory }) => `echo $$ > ${directory}/cgroup.procs`).join(" && ");
  const open = (path: string) => spawnSync("sh", ["-c", `${enter} && exec 3< ${path}`], { encoding: "utf8" });
  assert.equal(open("/dev/null").status, 0);
  assert.match(open("/dev/kmsg").stderr, /Operation not permitted/);
  const devices = [{ allow: true, type: "c", major: 1, minor: 11, access: "r" }] as const;
  await applyResources(plan.directories, { devices }, { rootless: false, attachDeviceFilter: async () => {} });
  assert.equal(open("/dev/kmsg").status, 0);
});

test("a controller of the unified hierarchy is handed down to the cgroup that needs it", async (t) => {
  const layout = readCgroupLayout();
  const reason =
    skipReason() ?? (layout.v2?.controllers.includes("hugetlb") ? undefined : "needs hugetlb in version 2");
  if (reason !== undefined || layout.v2 === undefined) return t.skip(reason);
  const switches = `${layout.v2.mountPoint}/cgroup.subtree_control`;
  const before = readFileSync(switches, "utf8");
  const plan = planned("huge", { hugepageLimits: [{ pageSize: "2MB", limit: 4 << 20 }] });
  try {
    execute(plan);
    assert.equal(readCgroupStats(plan.directories).hugetlb["2MB"]?.limit, 4_194_304n);
  } finally {
    await cleanUp(plan);
    if (!before.includes("hugetlb")) writeFileSync(switches, "-hugetlb");
  }
  assert.equal(readFileSync(switches, "utf8"), before);
});

test("a limit that the kernel refuses is one error by field, and leaves no cgroup", async (t) => {
  const reason = skipReason();
  if (reason !== undefined) return t.skip(reason);
  const plan = planned("refused", { pids: { limit: 5 }, cpu: { cpus: "4000" } });
  assert.throws(
    () => execute(plan),
    (error) => error instanceof OrlopError && error.field === "linux.resources.cpu.cpus" && /4000/.test(error.message),
  );
  for (const path of plan.remove) assert(!existsSync(path), `${path} is left over`);
  await removeCgroups(plan.remove.map((directory) => dirname(directory)));
});
