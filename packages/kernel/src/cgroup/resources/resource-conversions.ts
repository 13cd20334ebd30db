/** What becomes of a field: the files it is written to, and how; or why it cannot be. */
type ResourceForm = { readonly files: readonly string[]; readonly value: string } | { readonly refused: string };

interface ResourceConversion {
  /** Section of the runtime-spec's config-linux.md. */
  readonly section: string;
  readonly v1: ResourceForm;
  readonly v2: ResourceForm;
}

/** Fields of `linux.resources` that ask the kernel for something. */
export type ResourceField =
  | "devices"
  | "memory.limit"
  | "memory.reservation"
  | "memory.swap"
  | "memory.kernel"
  | "memory.kernelTCP"
  | "memory.swappiness"
  | "memory.disableOOMKiller"
  | "memory.useHierarchy"
  | "memory.checkBeforeUpdate"
  | "cpu.shares"
  | "cpu.quota"
  | "cpu.burst"
  | "cpu.period"
  | "cpu.realtimeRuntime"
  | "cpu.realtimePeriod"
  | "cpu.cpus"
  | "cpu.mems"
  | "cpu.idle"
  | "pids.limit"
  | "blockIO.weight"
  | "blockIO.leafWeight"
  | "blockIO.weightDevice"
  | "blockIO.throttleReadBpsDevice"
  | "blockIO.throttleWriteBpsDevice"
  | "blockIO.throttleReadIOPSDevice"
  | "blockIO.throttleWriteIOPSDevice"
  | "hugepageLimits"
  | "network.classID"
  | "network.priorities"
  | "rdma"
  | "unified";

function form(files: string, value: string): ResourceForm {
  return { files: files.split(" "), value };
}

function refused(why: string): ResourceForm {
  return { refused: why };
}

const MEMORY = "Memory";
const CPU = "CPU";
const BLOCK_IO = "Block IO";

// table: linux.resources of runtime-spec 1.3 against the control files of both versions
/**
 * How each field is carried out. The spec's values are those of cgroup v1; the conversions to version 2 are the
 * ones that runc (1.3 and newer) and crun (1.23 and newer) document.
 */
export const RESOURCE_CONVERSIONS: Readonly<Record<ResourceField, ResourceConversion>> = {
  devices: {
    section: "Allowed Device list",
    v1: form("devices.deny devices.allow", "the reduced rules; a hole in a wildcard is refused"),
    v2: form("(eBPF)", "the reduced rules as a program of type BPF_PROG_TYPE_CGROUP_DEVICE"),
  },
  "memory.limit": {
    section: MEMORY,
    v1: form("memory.limit_in_bytes", "x; 0 is unset"),
    v2: form("memory.max", "x, -1 is max; 0 is unset"),
  },
  "memory.reservation": {
    section: MEMORY,
    v1: form("memory.soft_limit_in_bytes", "x; 0 is unset"),
    v2: form("memory.low", "x, -1 is max; 0 is unset"),
  },
  "memory.swap": {
    section: MEMORY,
    v1: form("memory.memsw.limit_in_bytes", "x; 0 is unset, or -1 where the limit is -1"),
    v2: form("memory.swap.max", "x - limit, because version 2 counts swap alone; -1 is max; 0 as in version 1"),
  },
  "memory.kernel": {
    section: MEMORY,
    v1: form("memory.kmem.limit_in_bytes", "x; tolerated where the kernel dropped the file (5.16)"),
    v2: refused("version 2 has no limit for kernel memory alone, memory.limit covers it"),
  },
  "memory.kernelTCP": {
    section: MEMORY,
    v1: form("memory.kmem.tcp.limit_in_bytes", "x"),
    v2: refused("version 2 has no limit for TCP buffers alone, memory.limit covers them"),
  },
  "memory.swappiness": {
    section: MEMORY,
    v1: form("memory.swappiness", "x, 0 to 100"),
    v2: refused("version 2 has no swappiness of a cgroup"),
  },
  "memory.disableOOMKiller": {
    section: MEMORY,
    v1: form("memory.oom_control", "1"),
    v2: refused("version 2 cannot switch the OOM killer off"),
  },
  "memory.useHierarchy": {
    section: MEMORY,
    v1: form("memory.use_hierarchy", "1 or 0"),
    v2: refused("version 2 always accounts hierarchically"),
  },
  "memory.checkBeforeUpdate": {
    section: MEMORY,
    v1: form("memory.limit_in_bytes", "the kernel refuses a limit below the use by itself, EBUSY"),
    v2: form("memory.current", "read and compared before an update"),
  },
  "cpu.shares": {
    section: CPU,
    v1: form("cpu.shares", "x, 2 to 262144; 0 is unset"),
    v2: form(
      "cpu.weight",
      "ceil(10^((l^2 + 125 l) / 612 - 7/34)) with l = log2(x): 2 -> 1, 1024 -> 100, 262144 -> 10000",
    ),
  },
  "cpu.quota": {
    section: CPU,
    v1: form("cpu.cfs_quota_us", "x; 0 is unset"),
    v2: form("cpu.max", "x and the period, negative is max; 0 is unset"),
  },
  "cpu.burst": {
    section: CPU,
    v1: form("cpu.cfs_burst_us", "x"),
    v2: form("cpu.max.burst", "x"),
  },
  "cpu.period": {
    section: CPU,
    v1: form("cpu.cfs_period_us", "x; 0 is unset"),
    v2: form("cpu.max", "the quota and x; 0 is unset"),
  },
  "cpu.realtimeRuntime": {
    section: CPU,
    v1: form("cpu.rt_runtime_us", "x; 0 is unset"),
    v2: refused("version 2 does not control realtime processes"),
  },
  "cpu.realtimePeriod": {
    section: CPU,
    v1: form("cpu.rt_period_us", "x; 0 is unset"),
    v2: refused("version 2 does not control realtime processes"),
  },
  "cpu.cpus": { section: CPU, v1: form("cpuset.cpus", "x"), v2: form("cpuset.cpus", "x") },
  "cpu.mems": { section: CPU, v1: form("cpuset.mems", "x"), v2: form("cpuset.mems", "x") },
  "cpu.idle": { section: CPU, v1: form("cpu.idle", "0 or 1"), v2: form("cpu.idle", "0 or 1") },
  "pids.limit": {
    section: "PIDs",
    v1: form("pids.max", "x, negative is max, 0 is 1"),
    v2: form("pids.max", "x, negative is max, 0 is 1"),
  },
  "blockIO.weight": {
    section: BLOCK_IO,
    v1: form("blkio.weight blkio.bfq.weight", "x in the first that exists; 0 is unset"),
    v2: form("io.bfq.weight io.weight", "x, or 1 + (x - 10) * 9999 / 990 where BFQ is absent; 0 is unset"),
  },
  "blockIO.leafWeight": {
    section: BLOCK_IO,
    v1: form("blkio.leaf_weight", "x; a file of the CFQ scheduler, gone since Linux 5.0"),
    v2: refused("version 2 has no leaf weights"),
  },
  "blockIO.weightDevice": {
    section: BLOCK_IO,
    v1: form("blkio.weight_device blkio.bfq.weight_device blkio.leaf_weight_device", "major:minor x"),
    v2: form("io.bfq.weight io.weight", "major:minor x, converted like weight; leafWeight is refused"),
  },
  "blockIO.throttleReadBpsDevice": {
    section: BLOCK_IO,
    v1: form("blkio.throttle.read_bps_device", "major:minor x"),
    v2: form("io.max", "major:minor rbps=x, 0 is max"),
  },
  "blockIO.throttleWriteBpsDevice": {
    section: BLOCK_IO,
    v1: form("blkio.throttle.write_bps_device", "major:minor x"),
    v2: form("io.max", "major:minor wbps=x, 0 is max"),
  },
  "blockIO.throttleReadIOPSDevice": {
    section: BLOCK_IO,
    v1: form("blkio.throttle.read_iops_device", "major:minor x"),
    v2: form("io.max", "major:minor riops=x, 0 is max"),
  },
  "blockIO.throttleWriteIOPSDevice": {
    section: BLOCK_IO,
    v1: form("blkio.throttle.write_iops_device", "major:minor x"),
    v2: form("io.max", "major:minor wiops=x, 0 is max"),
  },
  hugepageLimits: {
    section: "Huge page limits",
    v1: form(
      "hugetlb.<size>.limit_in_bytes hugetlb.<size>.rsvd.limit_in_bytes",
      "x; the second where the kernel has it",
    ),
    v2: form("hugetlb.<size>.max hugetlb.<size>.rsvd.max", "x; the second where the kernel has it"),
  },
  "network.classID": {
    section: "Network",
    v1: form("net_cls.classid", "x"),
    v2: refused("version 2 has no net_cls controller"),
  },
  "network.priorities": {
    section: "Network",
    v1: form("net_prio.ifpriomap", "name x, interface by interface"),
    v2: refused("version 2 has no net_prio controller"),
  },
  rdma: {
    section: "RDMA",
    v1: form("rdma.max", "device hca_handle=x hca_object=y"),
    v2: form("rdma.max", "device hca_handle=x hca_object=y"),
  },
  unified: {
    section: "Unified",
    v1: refused("its keys are files of version 2"),
    v2: form("<key>", "line by line, after everything else"),
  },
};

/**
 * CPU shares (2 to 262144, usually 1024) as a weight (1 to 10000, usually 100): the quadratic through both ends
 * and the usual value that runc 1.3 and crun 1.23 introduced. Their older versions used a straight line, which
 * turned the usual 1024 into 39.
 */
export function cpuWeightOfShares(shares: number | bigint): bigint {
  if (shares <= 2) return 1n;
  if (shares >= 262_144) return 10_000n;
  const log = Math.log2(Number(shares));
  return BigInt(Math.ceil(10 ** ((log * log + 125 * log) / 612 - 7 / 34)));
}

/** A block I/O weight (10 to 1000) as io.weight's (1 to 10000), linearly. */
export function ioWeightOfBlockIOWeight(weight: number): number {
  return weight <= 10 ? 1 : 1 + Math.floor(((weight - 10) * 9999) / 990);
}
