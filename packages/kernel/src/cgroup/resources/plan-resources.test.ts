import assert from "node:assert/strict";
import { test } from "node:test";
import { type LinuxResources, OrlopError } from "@orlop/core";
import type { CgroupDirectory, CgroupOperation } from "../cgroup-plan.ts";
import { planResources } from "./plan-resources.ts";
import type { ResourceContext } from "./resource-context.ts";

const V1_CONTROLLERS = "cpu,cpuacct cpuset memory pids blkio hugetlb net_cls,net_prio rdma devices freezer";
const V1: readonly CgroupDirectory[] = V1_CONTROLLERS.split(" ").map((label) => ({
  version: 1,
  label,
  controllers: label.split(","),
  path: `/${label}`,
  noPrefix: false,
}));
const V2: readonly CgroupDirectory[] = [
  {
    version: 2,
    label: "unified",
    controllers: ["cpuset", "cpu", "io", "memory", "hugetlb", "pids", "rdma", "misc"],
    path: "/u",
    noPrefix: false,
  },
];

interface Options {
  readonly update?: boolean;
  readonly files?: Readonly<Record<string, string>>;
}

function operations(
  directories: readonly CgroupDirectory[],
  resources: LinuxResources,
  options: Options = {},
): CgroupOperation[] {
  const context: ResourceContext = {
    purpose: options.update ? "update" : "create",
    directories,
    denied: new Map(),
    absent: "this machine has no cgroup hierarchy with",
    readCurrent: (_, file) => options.files?.[file],
  };
  return planResources(resources, context, false);
}

function lines(directories: readonly CgroupDirectory[], resources: LinuxResources, options: Options = {}): string[] {
  return operations(directories, resources, options).map((operation) => {
    if (operation.kind === "check-memory") return `check ${operation.limitBytes} ${operation.memoryAndSwapBytes}`;
    assert(operation.kind === "write");
    const quiet = operation.tolerate.map(({ errno }) => ` ?${errno}`).join("");
    const other = operation.fallback?.operations.map(({ file, value }) => ` else ${file}=${value}`).join("") ?? "";
    return `${operation.file}=${operation.value}${quiet}${other}`;
  });
}

function refusal(directories: readonly CgroupDirectory[], resources: LinuxResources): string {
  try {
    operations(directories, resources);
  } catch (error) {
    assert(error instanceof OrlopError);
    assert.equal(error.operation, "plan cgroup");
    assert.match(error.message, /^Cannot apply linux\.resources\.[^"\n]+ \S.*: /);
    return `${error.code} ${error.field}`;
  }
  return "accepted";
}

const ON_CREATE: readonly [string, LinuxResources, string[], string[]][] = [
  ["a memory limit", { memory: { limit: 4096 } }, ["memory.limit_in_bytes=4096"], ["memory.max=4096"]],
  [
    "a limit beyond what a double holds",
    { memory: { limit: 9_223_372_036_854_771_712n } },
    ["memory.limit_in_bytes=9223372036854771712"],
    ["memory.max=9223372036854771712"],
  ],
  [
    "memory with swap",
    { memory: { limit: 4096, swap: 12_288 } },
    ["memory.limit_in_bytes=4096", "memory.memsw.limit_in_bytes=12288"],
    ["memory.swap.max=8192", "memory.max=4096"],
  ],
  [
    "memory without any swap",
    { memory: { limit: 4096, swap: 4096 } },
    ["memory.limit_in_bytes=4096", "memory.memsw.limit_in_bytes=4096"],
    ["memory.swap.max=0 ?ENOENT", "memory.max=4096"],
  ],
  [
    "unlimited memory, which implies unlimited swap",
    { memory: { limit: -1 } },
    ["memory.limit_in_bytes=-1", "memory.memsw.limit_in_bytes=-1 ?ENOENT"],
    ["memory.swap.max=max ?ENOENT", "memory.max=max"],
  ],
  [
    "unlimited swap",
    { memory: { limit: 4096, swap: -1 } },
    ["memory.limit_in_bytes=4096", "memory.memsw.limit_in_bytes=-1"],
    ["memory.swap.max=max ?ENOENT", "memory.max=4096"],
  ],
  [
    "zeros, which mean unset",
    { memory: { limit: 0, reservation: 0, swap: 0, kernel: 0 }, cpu: { shares: 0, quota: 0, period: 0 } },
    [],
    [],
  ],
  ["a reservation", { memory: { reservation: 4096 } }, ["memory.soft_limit_in_bytes=4096"], ["memory.low=4096"]],
  ["unlimited kernel memory", { memory: { kernel: -1, kernelTCP: -1 } }, [], []],
  ["a working OOM killer", { memory: { disableOOMKiller: false } }, [], []],
  ["hierarchical accounting", { memory: { useHierarchy: true } }, ["memory.use_hierarchy=1"], []],
  [
    "a check before updates",
    { memory: { limit: 4096, checkBeforeUpdate: true } },
    ["memory.limit_in_bytes=4096"],
    ["memory.max=4096"],
  ],
  ["CPU shares", { cpu: { shares: 2048 } }, ["cpu.shares=2048"], ["cpu.weight=174"]],
  ["a quota alone", { cpu: { quota: 5000 } }, ["cpu.cfs_quota_us=5000"], ["cpu.max=5000"]],
  ["no quota", { cpu: { quota: -1 } }, ["cpu.cfs_quota_us=-1"], ["cpu.max=max"]],
  ["a period alone", { cpu: { period: 5000 } }, ["cpu.cfs_period_us=5000"], ["cpu.max=max 5000"]],
  [
    "quota, period and burst",
    { cpu: { quota: 5000, period: 10_000, burst: 1000 } },
    ["cpu.cfs_period_us=10000", "cpu.cfs_quota_us=5000", "cpu.cfs_burst_us=1000"],
    ["cpu.max=5000 10000", "cpu.max.burst=1000"],
  ],
  ["an idle cgroup", { cpu: { idle: 1, shares: 2 } }, ["cpu.shares=2", "cpu.idle=1"], ["cpu.weight=1", "cpu.idle=1"]],
  ["a cgroup that is not idle", { cpu: { idle: 0 } }, [], []],
  [
    "a cpuset",
    { cpu: { cpus: "0-2,5", mems: "0" } },
    ["cpuset.cpus=0-2,5", "cpuset.mems=0"],
    ["cpuset.cpus=0-2,5", "cpuset.mems=0"],
  ],
  ["a limit of tasks", { pids: { limit: 10 } }, ["pids.max=10"], ["pids.max=10"]],
  ["no limit of tasks", { pids: { limit: -1 } }, ["pids.max=max"], ["pids.max=max"]],
  ["no tasks at all", { pids: { limit: 0 } }, ["pids.max=1"], ["pids.max=1"]],
  [
    "an I/O weight",
    { blockIO: { weight: 500 } },
    ["blkio.weight=500 else blkio.bfq.weight=500"],
    ["io.bfq.weight=500 else io.weight=4950"],
  ],
  [
    "an I/O weight for a device",
    { blockIO: { weightDevice: [{ major: 8, minor: 0, weight: 100 }] } },
    ["blkio.weight_device=8:0 100 else blkio.bfq.weight_device=8:0 100"],
    ["io.bfq.weight=8:0 100 else io.weight=8:0 910"],
  ],
  [
    "I/O throttles",
    {
      blockIO: {
        throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 600 }],
        throttleWriteBpsDevice: [{ major: 8, minor: 0, rate: 0 }],
        throttleReadIOPSDevice: [{ major: 8, minor: 16, rate: 30 }],
        throttleWriteIOPSDevice: [{ major: 8, minor: 16, rate: 40 }],
      },
    },
    [
      "blkio.throttle.read_bps_device=8:0 600",
      "blkio.throttle.write_bps_device=8:0 0",
      "blkio.throttle.read_iops_device=8:16 30",
      "blkio.throttle.write_iops_device=8:16 40",
    ],
    ["io.max=8:0 rbps=600", "io.max=8:0 wbps=max", "io.max=8:16 riops=30", "io.max=8:16 wiops=40"],
  ],
  [
    "huge pages",
    { hugepageLimits: [{ pageSize: "2MB", limit: 2_097_152 }] },
    ["hugetlb.2MB.limit_in_bytes=2097152", "hugetlb.2MB.rsvd.limit_in_bytes=2097152 ?ENOENT"],
    ["hugetlb.2MB.max=2097152", "hugetlb.2MB.rsvd.max=2097152 ?ENOENT"],
  ],
  [
    "RDMA",
    { rdma: { mlx5_1: { hcaHandles: 3, hcaObjects: 10 }, rxe3: { hcaObjects: 1 } } },
    ["rdma.max=mlx5_1 hca_handle=3 hca_object=10", "rdma.max=rxe3 hca_object=1"],
    ["rdma.max=mlx5_1 hca_handle=3 hca_object=10", "rdma.max=rxe3 hca_object=1"],
  ],
];

for (const [title, resources, v1, v2] of ON_CREATE) {
  test(`plans ${title}`, () => {
    assert.deepEqual(lines(V1, resources), v1);
    assert.deepEqual(lines(V2, resources), v2);
  });
}

test("plans what only version 1 has", () => {
  const resources: LinuxResources = {
    memory: { kernel: 4096, kernelTCP: 4096, swappiness: 0, disableOOMKiller: true },
    cpu: { realtimePeriod: 1000, realtimeRuntime: 100 },
    blockIO: { leafWeight: 10, weightDevice: [{ major: 8, minor: 0, leafWeight: 20 }] },
    network: { classID: 1_048_577, priorities: [{ name: "eth0", priority: 5 }] },
  };
  assert.deepEqual(lines(V1, resources), [
    "memory.kmem.limit_in_bytes=4096 ?ENOENT ?EOPNOTSUPP",
    "memory.kmem.tcp.limit_in_bytes=4096",
    "memory.oom_control=1",
    "memory.swappiness=0",
    "cpu.rt_period_us=1000",
    "cpu.rt_runtime_us=100",
    "blkio.leaf_weight=10",
    "blkio.leaf_weight_device=8:0 20",
    "net_cls.classid=1048577",
    "net_prio.ifpriomap=eth0 5",
  ]);
});

test("plans what only version 2 has, line by line and last", () => {
  const resources: LinuxResources = {
    unified: { "memory.high": "1024", "io.max": "8:0 rbps=1\n8:16 wbps=2\n", "cgroup.max.depth": "3" },
    memory: { limit: 4096 },
  };
  assert.deepEqual(lines(V2, resources), [
    "memory.max=4096",
    "memory.high=1024",
    "io.max=8:0 rbps=1",
    "io.max=8:16 wbps=2",
    "cgroup.max.depth=3",
  ]);
});

const REFUSED_BY_V2: readonly [LinuxResources, string][] = [
  [{ memory: { kernel: 1 } }, "memory.kernel"],
  [{ memory: { kernelTCP: 1 } }, "memory.kernelTCP"],
  [{ memory: { swappiness: 10 } }, "memory.swappiness"],
  [{ memory: { disableOOMKiller: true } }, "memory.disableOOMKiller"],
  [{ memory: { useHierarchy: false } }, "memory.useHierarchy"],
  [{ cpu: { realtimeRuntime: 1 } }, "cpu.realtimeRuntime"],
  [{ cpu: { shares: 3, realtimePeriod: 1 } }, "cpu.realtimePeriod"],
  [{ blockIO: { leafWeight: 1 } }, "blockIO.leafWeight"],
  [{ blockIO: { weightDevice: [{ major: 8, minor: 0, leafWeight: 1 }] } }, "blockIO.weightDevice[0].leafWeight"],
  [{ network: { classID: 1 } }, "network.classID"],
  [{ network: { priorities: [{ name: "eth0", priority: 1 }] } }, "network.priorities"],
  [{ unified: { "nothing.max": "1" } }, "unified.nothing.max"],
];

for (const [resources, field] of REFUSED_BY_V2) {
  test(`version 2 refuses ${field} by name`, () => {
    assert.equal(refusal(V2, resources), `unsupported linux.resources.${field}`);
  });
}

test("version 1 refuses unified by name", () => {
  assert.equal(refusal(V1, { unified: { "memory.high": "1" } }), "unsupported linux.resources.unified.memory.high");
});

test("a controller that this machine lacks is refused by the field that needs it", () => {
  const withoutHugetlb = V1.filter(({ label }) => label !== "hugetlb");
  const resources = { hugepageLimits: [{ pageSize: "2MB", limit: 1 }] };
  assert.equal(refusal(withoutHugetlb, resources), "unsupported linux.resources.hugepageLimits");
});

const INVALID: readonly [LinuxResources, string][] = [
  [{ memory: { limit: -2 } }, "memory.limit"],
  [{ memory: { limit: 4096, swap: 1024 } }, "memory.swap"],
  [{ cpu: { quota: 10, burst: 20 } }, "cpu.burst"],
  [{ cpu: { idle: 2 } }, "cpu.idle"],
  [{ cpu: { cpus: "all" } }, "cpu.cpus"],
  [{ cpu: { mems: "0\n1" } }, "cpu.mems"],
  [{ blockIO: { weight: 1001 } }, "blockIO.weight"],
  [{ blockIO: { weightDevice: [{ major: 1, minor: 1 }] } }, "blockIO.weightDevice[0]"],
  [{ hugepageLimits: [{ pageSize: "../x", limit: 1 }] }, "hugepageLimits[0].pageSize"],
  [{ rdma: { dev: {} } }, "rdma.dev"],
  [{ rdma: { "a b": { hcaObjects: 1 } } }, "rdma.a b"],
  [{ unified: { "../memory.max": "1" } }, "unified.../memory.max"],
  [{ unified: { nodot: "1" } }, "unified.nodot"],
  [{ unified: { "cgroup.procs": "0" } }, "unified.cgroup.procs"],
];

for (const [resources, field] of INVALID) {
  test(`refuses ${field} of ${JSON.stringify(resources)}`, () => {
    assert.equal(refusal(V2, resources), `invalid linux.resources.${field}`);
  });
}

test("version 1 refuses shares that the kernel would round, a bad interface and a bad swappiness", () => {
  assert.equal(refusal(V1, { cpu: { shares: 1 } }), "invalid linux.resources.cpu.shares");
  assert.equal(refusal(V1, { cpu: { shares: 262_145 } }), "invalid linux.resources.cpu.shares");
  assert.equal(refusal(V1, { memory: { swappiness: 101 } }), "invalid linux.resources.memory.swappiness");
  const network = { priorities: [{ name: "a b", priority: 1 }] };
  assert.equal(refusal(V1, { network }), "invalid linux.resources.network.priorities[0].name");
});

test("version 2 cannot tell swap from memory without the memory limit", () => {
  assert.equal(refusal(V2, { memory: { swap: 4096 } }), "invalid linux.resources.memory.swap");
  assert.deepEqual(lines(V1, { memory: { swap: 4096 } }), ["memory.memsw.limit_in_bytes=4096"]);
});

test("an update tries values that depend on each other in both orders", () => {
  const resources: LinuxResources = {
    memory: { limit: 1, swap: 2 },
    cpu: { quota: 5, period: 10, burst: 4, realtimePeriod: 7, realtimeRuntime: 6 },
  };
  assert.deepEqual(lines(V1, resources, { update: true }), [
    "memory.limit_in_bytes=1 ?EINVAL",
    "memory.memsw.limit_in_bytes=2",
    "memory.limit_in_bytes=1",
    "cpu.cfs_period_us=10 ?EINVAL",
    "cpu.cfs_burst_us=4 ?EINVAL",
    "cpu.cfs_quota_us=5",
    "cpu.cfs_period_us=10",
    "cpu.cfs_burst_us=4",
    "cpu.rt_period_us=7 ?EINVAL",
    "cpu.rt_runtime_us=6",
    "cpu.rt_period_us=7",
  ]);
  assert.deepEqual(lines(V2, { cpu: { quota: 5, burst: 4 } }, { update: true }), [
    "cpu.max.burst=4 ?EINVAL",
    "cpu.max=5",
    "cpu.max.burst=4",
  ]);
});

test("an update of the period keeps the quota", () => {
  const update = { update: true, files: { "cpu.max": "50000 100000\n" } };
  assert.deepEqual(lines(V2, { cpu: { period: 20_000 } }, update), ["cpu.max=50000 20000"]);
});

test("an update leaves idleness before it sets a weight", () => {
  assert.deepEqual(lines(V2, { cpu: { idle: 0, shares: 1024 } }, { update: true }), ["cpu.idle=0", "cpu.weight=100"]);
  assert.deepEqual(lines(V2, { cpu: { idle: 1, shares: 1024 } }, { update: true }), [
    "cpu.weight=100 ?EINVAL",
    "cpu.idle=1",
  ]);
});

test("an update checks the memory in use when asked to", () => {
  const memory = { limit: 4096, swap: 8192, checkBeforeUpdate: true };
  assert.deepEqual(lines(V2, { memory }, { update: true }).slice(0, 1), ["check 4096 8192"]);
});

test("an error can print 64-bit numbers", () => {
  const hugepageLimits = [{ pageSize: "2MB", limit: 2n ** 64n - 1n }];
  assert.equal(refusal([], { hugepageLimits }), "unsupported linux.resources.hugepageLimits");
});

test("an update can switch the OOM killer on again", () => {
  assert.deepEqual(lines(V1, { memory: { disableOOMKiller: false } }, { update: true }), ["memory.oom_control=0"]);
});
