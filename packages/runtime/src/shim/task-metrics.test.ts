import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { CgroupStats } from "@orlop/kernel";
import { CGROUP_METRICS } from "../shim-protocol/cgroup-metrics.ts";
import { taskMetrics } from "./task-metrics.ts";

const use = { usage: 100n, limit: undefined, peak: 200n, failures: 3n };
const share = { avg10: 0.5, avg60: 1.5, avg300: 0, totalUs: 7n };
const STATS: CgroupStats = {
  cpu: {
    usageNs: 5_000n,
    userNs: 3_000n,
    systemNs: 2_000n,
    perCpuNs: [1n, 2n],
    throttling: { periods: 1n, throttledPeriods: 2n, throttledNs: 3_000n, bursts: 4n, burstNs: 5_000n },
    pressure: { some: share, full: undefined },
  },
  memory: {
    ...use,
    limit: 64n,
    swap: use,
    kernel: undefined,
    kernelTcp: undefined,
    stat: { anon: 11n, rss: 12n, inactive_file: 13n, total_inactive_file: 14n, a_counter_of_tomorrow: 15n },
    events: { oom_kill: 2n, under_oom: 1n },
    pressure: undefined,
  },
  pids: { current: 4n, limit: undefined },
  io: {
    devices: [
      {
        major: 8,
        minor: 1,
        readBytes: 10n,
        writtenBytes: 20n,
        reads: 1n,
        writes: 2n,
        discardedBytes: 0n,
        discards: 0n,
      },
    ],
    pressure: undefined,
  },
  hugetlb: { "2MB": { ...use, reserved: undefined } },
  rdma: { mlx5_0: { hcaHandles: 1n, hcaObjects: 2n, hcaHandlesLimit: undefined, hcaObjectsLimit: 9n } },
};

const directory = (version: 1 | 2) => ({
  path: "/sys/fs/cgroup/a",
  version,
  controllers: [],
  label: "",
  noPrefix: false,
});

describe("the figures of a task", () => {
  test("are those of version 1, where a controller is one of version 1", () => {
    const { typeUrl, value } = taskMetrics([directory(2), directory(1)], STATS);
    assert.equal(typeUrl, "io.containerd.cgroups.v1.Metrics");
    const { cpu, memory, pids, blkio, oom, hugetlb, rdma } = CGROUP_METRICS.decode("V1", value);
    assert.deepEqual(cpu?.usage, { total: 5_000n, kernel: 2_000n, user: 3_000n, perCpu: [1n, 2n] });
    assert.deepEqual(cpu?.throttling, { periods: 1n, throttledPeriods: 2n, throttledTime: 3_000n });
    assert.deepEqual(memory?.usage, { limit: 64n, usage: 100n, max: 200n, failcnt: 3n });
    assert.equal(memory?.swap?.limit, 0x7fff_ffff_ffff_f000n);
    assert.deepEqual([memory?.rss, memory?.inactive_file, memory?.total_inactive_file], [12n, 13n, 14n]);
    assert.deepEqual(pids, { current: 4n, limit: 0n });
    assert.deepEqual(
      blkio?.ioServiceBytesRecursive.map(({ op, major, minor, value: bytes }) => [op, major, minor, bytes]),
      [
        ["Read", 8n, 1n, 10n],
        ["Write", 8n, 1n, 20n],
      ],
    );
    assert.deepEqual([oom?.oom_kill, oom?.under_oom], [2n, 1n]);
    assert.deepEqual(hugetlb, [{ usage: 100n, max: 200n, failcnt: 3n, pagesize: "2MB" }]);
    assert.deepEqual(rdma?.limit, [{ device: "mlx5_0", hcaHandles: 0x7fff_ffff, hcaObjects: 9 }]);
  });

  test("are those of version 2 otherwise, in microseconds and with pressure", () => {
    const { typeUrl, value } = taskMetrics([directory(2)], STATS);
    assert.equal(typeUrl, "io.containerd.cgroups.v2.Metrics");
    const { cpu, memory, io, memoryEvents } = CGROUP_METRICS.decode("V2", value);
    assert.deepEqual([cpu?.usageUsec, cpu?.throttledUsec, cpu?.nrBursts], [5n, 3n, 4n]);
    assert.deepEqual(cpu?.psi, { some: { avg10: 0.5, avg60: 1.5, avg300: 0, total: 7n }, full: undefined });
    assert.deepEqual([memory?.anon, memory?.usageLimit, memory?.maxUsage], [11n, 64n, 200n]);
    assert.equal(memory?.swapLimit, 0xffff_ffff_ffff_ffffn);
    assert.deepEqual(io?.usage, [{ major: 8n, minor: 1n, rbytes: 10n, wbytes: 20n, rios: 1n, wios: 2n }]);
    assert.equal(memoryEvents?.oom_kill, 2n);
  });

  test("say nothing of what is not accounted", () => {
    const none = { cpu: undefined, memory: undefined, pids: undefined, io: undefined, hugetlb: {}, rdma: {} };
    for (const version of [1, 2] as const) assert.equal(taskMetrics([directory(version)], none).value.length, 0);
  });
});
