import type { Encodable } from "@orlop/core/protobuf";
import type { CgroupDirectory, CgroupStats } from "@orlop/kernel";
import {
  CGROUP_METRICS,
  type CgroupMetricsSchema,
  METRICS_TYPES,
  metricFields,
} from "../shim-protocol/cgroup-metrics.ts";

type Metrics<Name extends keyof CgroupMetricsSchema> = Encodable<CgroupMetricsSchema, Name>;
type Use = NonNullable<NonNullable<CgroupStats["memory"]>["swap"]>;
type Pressure = NonNullable<NonNullable<CgroupStats["cpu"]>["pressure"]>;

/** What a container uses, as containerd's clients know it: of the version of cgroups that accounts its memory or CPU. */
export function taskMetrics(
  directories: readonly CgroupDirectory[],
  stats: CgroupStats,
): { readonly typeUrl: string; readonly value: Uint8Array } {
  // In a hybrid layout version 2 has no controllers.
  if (directories.some(({ version }) => version === 1)) {
    return { typeUrl: METRICS_TYPES[1], value: CGROUP_METRICS.encode("V1", metricsV1(stats)) };
  }
  return { typeUrl: METRICS_TYPES[2], value: CGROUP_METRICS.encode("V2", metricsV2(stats)) };
}

/** How the kernel says in version 1 that there is no limit, with pages of 4 KiB. */
const UNLIMITED_V1 = 0x7fff_ffff_ffff_f000n;
const UNLIMITED_V2 = 0xffff_ffff_ffff_ffffn;
const NANOSECONDS_IN_MICROSECOND = 1000n;

function metricsV1({ cpu, memory, pids, io, hugetlb, rdma }: CgroupStats): Metrics<"V1"> {
  return {
    hugetlb: Object.entries(hugetlb).map(([pagesize, use]) => ({ pagesize, ...entryV1(use) })),
    pids: pidsMetrics(pids),
    cpu: cpu && {
      usage: { total: cpu.usageNs, kernel: cpu.systemNs, user: cpu.userNs, perCpu: cpu.perCpuNs },
      throttling: cpu.throttling && {
        periods: cpu.throttling.periods,
        throttledPeriods: cpu.throttling.throttledPeriods,
        throttledTime: cpu.throttling.throttledNs,
      },
    },
    memory: memory && {
      ...picked("V1Memory", memory.stat),
      usage: entryV1(memory),
      swap: memory.swap && entryV1(memory.swap),
      kernel: memory.kernel && entryV1(memory.kernel),
      kernelTcp: memory.kernelTcp && entryV1(memory.kernelTcp),
    },
    blkio: io && {
      ioServiceBytesRecursive: io.devices.flatMap((device) => blkioEntries(device, "readBytes", "writtenBytes")),
      ioServicedRecursive: io.devices.flatMap((device) => blkioEntries(device, "reads", "writes")),
    },
    rdma: rdmaMetrics(rdma),
    oom: memory && picked("V1Oom", memory.events),
  };
}

function entryV1({ usage, limit, peak, failures }: Use): Metrics<"V1MemoryEntry"> {
  return { usage, limit: limit ?? UNLIMITED_V1, max: peak, failcnt: failures };
}

type IoDevice = NonNullable<CgroupStats["io"]>["devices"][number];

function blkioEntries(
  device: IoDevice,
  read: "readBytes" | "reads",
  write: "writtenBytes" | "writes",
): readonly Metrics<"V1BlkioEntry">[] {
  const entry = (op: string, value: bigint): Metrics<"V1BlkioEntry"> => {
    return { op, major: BigInt(device.major), minor: BigInt(device.minor), value };
  };
  return [entry("Read", device[read]), entry("Write", device[write])];
}

function metricsV2({ cpu, memory, pids, io, hugetlb, rdma }: CgroupStats): Metrics<"V2"> {
  return {
    pids: pidsMetrics(pids),
    cpu: cpu && cpuV2(cpu),
    memory: memory && {
      ...picked("V2Memory", memory.stat),
      usage: memory.usage,
      usageLimit: memory.limit ?? UNLIMITED_V2,
      maxUsage: memory.peak,
      swapUsage: memory.swap?.usage,
      swapLimit: memory.swap && (memory.swap.limit ?? UNLIMITED_V2),
      swapMaxUsage: memory.swap?.peak,
      psi: pressureMetrics(memory.pressure),
    },
    rdma: rdmaMetrics(rdma),
    io: io && { usage: io.devices.map(ioV2), psi: pressureMetrics(io.pressure) },
    hugetlb: Object.entries(hugetlb).map(([pagesize, { usage, limit, failures }]) => {
      return { pagesize, current: usage, max: limit ?? UNLIMITED_V2, failcnt: failures };
    }),
    memoryEvents: memory && picked("V2Events", memory.events),
  };
}

function cpuV2({ usageNs, userNs, systemNs, throttling, pressure }: NonNullable<CgroupStats["cpu"]>): Metrics<"V2Cpu"> {
  return {
    usageUsec: usageNs / NANOSECONDS_IN_MICROSECOND,
    userUsec: userNs / NANOSECONDS_IN_MICROSECOND,
    systemUsec: systemNs / NANOSECONDS_IN_MICROSECOND,
    psi: pressureMetrics(pressure),
    ...(throttling && {
      nrPeriods: throttling.periods,
      nrThrottled: throttling.throttledPeriods,
      throttledUsec: throttling.throttledNs / NANOSECONDS_IN_MICROSECOND,
      nrBursts: throttling.bursts,
      burstUsec: throttling.burstNs / NANOSECONDS_IN_MICROSECOND,
    }),
  };
}

function ioV2({ major, minor, readBytes, writtenBytes, reads, writes }: IoDevice): Metrics<"V2IoEntry"> {
  return {
    major: BigInt(major),
    minor: BigInt(minor),
    rbytes: readBytes,
    wbytes: writtenBytes,
    rios: reads,
    wios: writes,
  };
}

function pressureMetrics(pressure: Pressure | undefined): Metrics<"Psi"> | undefined {
  if (pressure === undefined) return undefined;
  const share = ({ totalUs, ...averages }: Pressure["some"]): Metrics<"PsiShare"> => ({ ...averages, total: totalUs });
  return { some: share(pressure.some), full: pressure.full && share(pressure.full) };
}

/** 0 says that there is no limit. */
function pidsMetrics(pids: CgroupStats["pids"]): Metrics<"Pids"> | undefined {
  return pids && { current: pids.current, limit: pids.limit ?? 0n };
}

/** How the kernel says that there is no limit: S32_MAX (kernel/cgroup/rdma.c). */
const RDMA_UNLIMITED = 0x7fff_ffff;

function rdmaMetrics(rdma: CgroupStats["rdma"]): Metrics<"Rdma"> | undefined {
  const devices = Object.entries(rdma);
  if (devices.length === 0) return undefined;
  return {
    current: devices.map(([device, { hcaHandles, hcaObjects }]) => {
      return { device, hcaHandles: Number(hcaHandles), hcaObjects: Number(hcaObjects) };
    }),
    limit: devices.map(([device, { hcaHandlesLimit, hcaObjectsLimit }]) => ({
      device,
      hcaHandles: Number(hcaHandlesLimit ?? RDMA_UNLIMITED),
      hcaObjects: Number(hcaObjectsLimit ?? RDMA_UNLIMITED),
    })),
  };
}

/** The kernel's counters that the message has fields for. */
function picked(
  message: "V1Memory" | "V1Oom" | "V2Memory" | "V2Events",
  counters: Readonly<Record<string, bigint>>,
): Readonly<Record<string, bigint>> {
  const names = metricFields(message).filter((name) => Object.hasOwn(counters, name));
  return Object.fromEntries(names.map((name) => [name, counters[name] ?? 0n]));
}
