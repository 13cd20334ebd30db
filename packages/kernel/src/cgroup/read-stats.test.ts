import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { OrlopError } from "@orlop/core";
import type { CgroupDirectory } from "./cgroup-plan.ts";
import { readFreezerState } from "./freeze-cgroup.ts";
import { listProcesses } from "./list-processes.ts";
import { readOomEvents } from "./read-oom-events.ts";
import { readCgroupStats } from "./read-stats.ts";

/** A directory of files with these contents, which goes away with the test. */
function directory(
  t: TestContext,
  version: 1 | 2,
  controllers: string,
  files: Record<string, string>,
): CgroupDirectory {
  const path = mkdtempSync(join(tmpdir(), "orlop-cgroup-"));
  t.after(() => rmSync(path, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(path, name, ".."), { recursive: true });
    writeFileSync(join(path, name), text);
  }
  return {
    version,
    label: version === 2 ? "unified" : controllers,
    controllers: controllers.split(","),
    path,
    noPrefix: false,
  };
}

const UNIFIED = {
  "cpu.stat":
    "usage_usec 1500\nuser_usec 1000\nsystem_usec 500\nnr_periods 4\nnr_throttled 2\nthrottled_usec 30\nnr_bursts 1\nburst_usec 5\n",
  "cpu.pressure": "some avg10=1.50 avg60=0.20 avg300=0.00 total=1234\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n",
  "memory.current": "4096\n",
  "memory.max": "8192\n",
  "memory.peak": "6000\n",
  "memory.swap.current": "10\n",
  "memory.swap.max": "max\n",
  "memory.stat": "anon 1000\nfile 2000\nkernel_stack 18446744073709551615\n",
  "memory.events": "low 0\nhigh 0\nmax 3\noom 1\noom_kill 1\noom_group_kill 0\n",
  "pids.current": "2\n",
  "pids.max": "max\n",
  "io.stat":
    "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n253:1 rbytes=7 wbytes=0 rios=1 wios=0 dbytes=0 dios=0 cost.usage=9\n8:16 \n",
  "hugetlb.2MB.current": "2097152\n",
  "hugetlb.2MB.max": "4194304\n",
  "hugetlb.2MB.events": "max 8\n",
  "hugetlb.2MB.rsvd.current": "0\n",
  "hugetlb.2MB.rsvd.max": "max\n",
  "rdma.current": "mlx4_0 hca_handle=2 hca_object=20\n",
  "rdma.max": "mlx4_0 hca_handle=3 hca_object=max\n",
};

test("version 2's files become figures", (t) => {
  const stats = readCgroupStats([directory(t, 2, "cpu,memory,pids,io,hugetlb,rdma", UNIFIED)]);
  assert.deepEqual(stats.cpu, {
    usageNs: 1_500_000n,
    userNs: 1_000_000n,
    systemNs: 500_000n,
    perCpuNs: [],
    throttling: { periods: 4n, throttledPeriods: 2n, throttledNs: 30_000n, bursts: 1n, burstNs: 5000n },
    pressure: {
      some: { avg10: 1.5, avg60: 0.2, avg300: 0, totalUs: 1234n },
      full: { avg10: 0, avg60: 0, avg300: 0, totalUs: 7n },
    },
  });
  const { stat, events, ...memory } = stats.memory ?? assert.fail("no memory");
  assert.deepEqual(memory, {
    usage: 4096n,
    limit: 8192n,
    peak: 6000n,
    failures: 3n,
    swap: { usage: 10n, limit: undefined, peak: undefined, failures: 0n },
    kernel: undefined,
    kernelTcp: undefined,
    pressure: undefined,
  });
  assert.equal(stat.kernel_stack, 18_446_744_073_709_551_615n);
  assert.equal(events.oom_kill, 1n);
  assert.deepEqual(stats.pids, { current: 2n, limit: undefined });
  assert.deepEqual(
    stats.io?.devices.map(({ major, minor, readBytes, discards }) => [major, minor, readBytes, discards]),
    [
      [8, 0, 1n, 6n],
      [253, 1, 7n, 0n],
      [8, 16, 0n, 0n],
    ],
  );
  assert.deepEqual(stats.hugetlb, {
    "2MB": {
      usage: 2_097_152n,
      limit: 4_194_304n,
      peak: undefined,
      failures: 8n,
      reserved: { usage: 0n, limit: undefined, peak: undefined, failures: 0n },
    },
  });
  assert.deepEqual(stats.rdma, {
    mlx4_0: { hcaHandles: 2n, hcaObjects: 20n, hcaHandlesLimit: 3n, hcaObjectsLimit: undefined },
  });
});

test("version 1's files become the same figures", (t) => {
  const stats = readCgroupStats([
    directory(t, 1, "cpu,cpuacct", {
      "cpuacct.usage": "1500000\n",
      "cpuacct.stat": "user 3\nsystem 1\n",
      "cpuacct.usage_percpu": "1000000 500000 \n",
      "cpu.stat": "nr_periods 0\nnr_throttled 0\nthrottled_time 0\n",
    }),
    directory(t, 1, "memory", {
      "memory.usage_in_bytes": "4096\n",
      "memory.limit_in_bytes": "9223372036854771712\n",
      "memory.max_usage_in_bytes": "5000\n",
      "memory.failcnt": "2\n",
      "memory.memsw.usage_in_bytes": "4200\n",
      "memory.memsw.limit_in_bytes": "10000\n",
      "memory.stat": "cache 1\nrss 2\n",
      "memory.oom_control": "oom_kill_disable 1\nunder_oom 1\noom_kill 0\n",
    }),
    directory(t, 1, "blkio", {
      "blkio.throttle.io_service_bytes_recursive": "8:0 Read 10\n8:0 Write 20\n8:0 Discard 1\n8:0 Total 31\nTotal 31\n",
      "blkio.throttle.io_serviced_recursive": "8:0 Read 1\n8:0 Write 2\n8:0 Total 3\nTotal 3\n",
    }),
  ]);
  assert.equal(stats.cpu?.userNs, 30_000_000n);
  assert.deepEqual(stats.cpu?.perCpuNs, [1_000_000n, 500_000n]);
  assert.equal(stats.memory?.limit, undefined);
  assert.deepEqual(stats.memory?.swap, { usage: 4200n, limit: 10_000n, peak: undefined, failures: 0n });
  assert.deepEqual(stats.io?.devices, [
    { major: 8, minor: 0, readBytes: 10n, writtenBytes: 20n, reads: 1n, writes: 2n, discardedBytes: 1n, discards: 0n },
  ]);
  assert.equal(stats.pids, undefined);
});

test("the OOM killer's count comes from either version", (t) => {
  const v2 = directory(t, 2, "memory", UNIFIED);
  assert.deepEqual(readOomEvents([v2]), { kills: 1n, waiting: false });
  const v1 = directory(t, 1, "memory", { "memory.oom_control": "oom_kill_disable 1\nunder_oom 1\noom_kill 4\n" });
  assert.deepEqual(readOomEvents([v1]), { kills: 4n, waiting: true });
  assert.equal(readOomEvents([directory(t, 2, "cpu", {})]), undefined);
});

test("a cgroup that is gone accounts nothing", () => {
  const gone: CgroupDirectory = {
    version: 2,
    label: "unified",
    controllers: ["memory"],
    path: "/nowhere",
    noPrefix: false,
  };
  const stats = readCgroupStats([gone]);
  assert.deepEqual(stats, { cpu: undefined, memory: undefined, pids: undefined, io: undefined, hugetlb: {}, rdma: {} });
  assert.deepEqual(listProcesses([gone]), []);
  assert.equal(readFreezerState([gone]), "none");
});

test("a file with something else in it is an error, not a zero", (t) => {
  const odd = directory(t, 2, "pids", { "pids.current": "many\n" });
  assert.throws(
    () => readCgroupStats([odd]),
    (error) => error instanceof OrlopError && /"many" is not a number/.test(error.message),
  );
});

test("processes of outer pid namespaces, which show as 0, are not listed", (t) => {
  const cgroup = directory(t, 2, "pids", { "cgroup.procs": "0\n12\n0\n", "below/cgroup.procs": "7\n12\n" });
  assert.deepEqual(listProcesses([cgroup]), [7, 12]);
});

test("the freezer's states", (t) => {
  const v2 = (freeze: string, frozen: number) =>
    readFreezerState([
      directory(t, 2, "cpu", { "cgroup.freeze": freeze, "cgroup.events": `populated 1\nfrozen ${frozen}\n` }),
    ]);
  assert.deepEqual([v2("0\n", 0), v2("1\n", 0), v2("1\n", 1)], ["thawed", "freezing", "frozen"]);
  const v1 = (state: string, self: string) =>
    readFreezerState([directory(t, 1, "freezer", { "freezer.state": state, "freezer.self_freezing": self })]);
  assert.deepEqual(
    [v1("THAWED\n", "0\n"), v1("FREEZING\n", "1\n"), v1("FROZEN\n", "1\n"), v1("FROZEN\n", "0\n")],
    ["thawed", "freezing", "frozen", "thawed"],
  );
});
