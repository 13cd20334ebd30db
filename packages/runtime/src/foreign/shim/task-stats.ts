import { type ContainerStats, OrlopError } from "@orlop/core";
import type { Decoded } from "@orlop/core/protobuf";
import { CGROUP_METRICS, type CgroupMetricsSchema, METRICS_TYPES } from "../../shim-protocol/cgroup-metrics.ts";

/** Reads the answer to `Stats`; throws `unsupported` for figures of another kind. */
export function taskStats(typeUrl: string, value: Uint8Array): ContainerStats {
  const type = typeUrl.slice(typeUrl.lastIndexOf("/") + 1);
  if (type === METRICS_TYPES[1]) return statsV1(CGROUP_METRICS.decode("V1", value));
  if (type === METRICS_TYPES[2]) return statsV2(CGROUP_METRICS.decode("V2", value));
  throw new OrlopError("unsupported", `Cannot read figures of type "${typeUrl}": only those of cgroups are known`);
}

function statsV1({ pids, cpu, memory, blkio, oom }: Decoded<CgroupMetricsSchema, "V1">): ContainerStats {
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
      : { memory: memoryStats(memory.usage.usage, memory.total_inactive_file, memory.usage.limit, oom?.oom_kill) }),
    ...pidsStats(pids),
    ...(blkio === undefined ? {} : { io: { readBytes: sum("Read"), writeBytes: sum("Write") } }),
  };
}

const NANOSECONDS_IN_MICROSECOND = 1000n;

function statsV2({ pids, cpu, memory, io, memoryEvents }: Decoded<CgroupMetricsSchema, "V2">): ContainerStats {
  const ns = (microseconds: bigint): bigint => microseconds * NANOSECONDS_IN_MICROSECOND;
  const sum = (field: "rbytes" | "wbytes"): bigint =>
    (io?.usage ?? []).reduce((total, entry) => total + entry[field], 0n);
  return {
    readAtMs: Date.now(),
    ...(cpu === undefined ? {} : { cpu: times(ns(cpu.usageUsec), ns(cpu.userUsec), ns(cpu.systemUsec)) }),
    ...(memory === undefined
      ? {}
      : { memory: memoryStats(memory.usage, memory.inactive_file, memory.usageLimit, memoryEvents?.oom_kill) }),
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

function pidsStats(pids: Decoded<CgroupMetricsSchema, "Pids"> | undefined): Pick<ContainerStats, "pids"> {
  if (pids === undefined) return {};
  const { current, limit } = pids;
  // 0 is how they say that there is none.
  return {
    pids: { current: Number(current), limit: limit === 0n || limit >= UNLIMITED_BYTES ? undefined : Number(limit) },
  };
}
