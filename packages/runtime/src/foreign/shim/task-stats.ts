// table: the figures that shims give (containerd/cgroups, cgroup1 and cgroup2 stats/metrics.proto), as far as they are used
import { type ContainerStats, OrlopError } from "@orlop/core";
import { Codec, type Decoded } from "../../protobuf/codec.ts";

const SCHEMA = {
  Pids: { current: [1, "uint64"], limit: [2, "uint64"] },

  V1: { pids: [2, "Pids"], cpu: [3, "V1Cpu"], memory: [4, "V1Memory"], blkio: [5, "V1Blkio"], oom: [9, "V1Oom"] },
  V1Cpu: { usage: [1, "V1CpuUsage"] },
  V1CpuUsage: { total: [1, "uint64"], kernel: [2, "uint64"], user: [3, "uint64"] },
  V1Memory: { totalInactiveFile: [30, "uint64"], usage: [33, "V1MemoryEntry"] },
  V1MemoryEntry: { limit: [1, "uint64"], usage: [2, "uint64"] },
  V1Blkio: { ioServiceBytesRecursive: [1, "V1BlkioEntry[]"] },
  V1BlkioEntry: { op: [1, "string"], value: [5, "uint64"] },
  V1Oom: { oomKill: [3, "uint64"] },

  V2: { pids: [1, "Pids"], cpu: [2, "V2Cpu"], memory: [4, "V2Memory"], io: [6, "V2Io"], memoryEvents: [8, "V2Events"] },
  V2Cpu: { usageUsec: [1, "uint64"], userUsec: [2, "uint64"], systemUsec: [3, "uint64"] },
  V2Memory: { inactiveFile: [13, "uint64"], usage: [32, "uint64"], usageLimit: [33, "uint64"] },
  V2Io: { usage: [1, "V2IoEntry[]"] },
  V2IoEntry: { rbytes: [3, "uint64"], wbytes: [4, "uint64"] },
  V2Events: { oomKill: [5, "uint64"] },
} as const;

const codec: Codec<typeof SCHEMA> = new Codec(SCHEMA);

/** Reads the answer to `Stats`; throws `unsupported` for figures of another kind. */
export function taskStats(typeUrl: string, value: Uint8Array): ContainerStats {
  const type = typeUrl.slice(typeUrl.lastIndexOf("/") + 1);
  if (type === "io.containerd.cgroups.v1.Metrics") return statsV1(codec.decode("V1", value));
  if (type === "io.containerd.cgroups.v2.Metrics") return statsV2(codec.decode("V2", value));
  throw new OrlopError("unsupported", `Cannot read figures of type "${typeUrl}": only those of cgroups are known`);
}

function statsV1({ pids, cpu, memory, blkio, oom }: Decoded<typeof SCHEMA, "V1">): ContainerStats {
  const sum = (op: string): bigint =>
    (blkio?.ioServiceBytesRecursive ?? []).reduce(
      (total, entry) => (entry.op === op ? total + entry.value : total),
      0n,
    );
  return {
    readAtMs: Date.now(),
    ...(cpu?.usage === undefined ? {} : { cpu: times(cpu.usage.total, cpu.usage.user, cpu.usage.kernel) }),
    ...(memory?.usage === undefined
      ? {}
      : { memory: memoryStats(memory.usage.usage, memory.totalInactiveFile, memory.usage.limit, oom?.oomKill) }),
    ...pidsStats(pids),
    ...(blkio === undefined ? {} : { io: { readBytes: sum("Read"), writeBytes: sum("Write") } }),
  };
}

const NANOSECONDS_IN_MICROSECOND = 1000n;

function statsV2({ pids, cpu, memory, io, memoryEvents }: Decoded<typeof SCHEMA, "V2">): ContainerStats {
  const ns = (microseconds: bigint): bigint => microseconds * NANOSECONDS_IN_MICROSECOND;
  const sum = (field: "rbytes" | "wbytes"): bigint =>
    (io?.usage ?? []).reduce((total, entry) => total + entry[field], 0n);
  return {
    readAtMs: Date.now(),
    ...(cpu === undefined ? {} : { cpu: times(ns(cpu.usageUsec), ns(cpu.userUsec), ns(cpu.systemUsec)) }),
    ...(memory === undefined
      ? {}
      : { memory: memoryStats(memory.usage, memory.inactiveFile, memory.usageLimit, memoryEvents?.oomKill) }),
    ...pidsStats(pids),
    ...(io === undefined ? {} : { io: { readBytes: sum("rbytes"), writeBytes: sum("wbytes") } }),
  };
}

function times(usage: bigint, user: bigint, system: bigint): NonNullable<ContainerStats["cpu"]> {
  return { usageNanoseconds: usage, userNanoseconds: user, systemNanoseconds: system };
}

/** What the kernel says where there is no limit: the largest number of pages of version 1, or of 64 bits. */
const UNLIMITED_BYTES = 0x7fff_ffff_ffff_0000n;

function memoryStats(
  usage: bigint,
  inactive: bigint,
  limit: bigint,
  kills: bigint | undefined,
): NonNullable<ContainerStats["memory"]> {
  return {
    usageBytes: usage,
    workingSetBytes: usage > inactive ? usage - inactive : 0n,
    limitBytes: limit === 0n || limit >= UNLIMITED_BYTES ? undefined : limit,
    oomKills: kills ?? 0n,
  };
}

function pidsStats(pids: Decoded<typeof SCHEMA, "Pids"> | undefined): Pick<ContainerStats, "pids"> {
  if (pids === undefined) return {};
  const { current, limit } = pids;
  // 0 is how they say that there is none.
  return {
    pids: { current: Number(current), limit: limit === 0n || limit >= UNLIMITED_BYTES ? undefined : Number(limit) },
  };
}
