import { type ContainerStats, shortId } from "@orlop/core";
import { binarySize } from "../format/binary-size.ts";
import { humanSize } from "../format/human-size.ts";
import { type Struct, structOf } from "../format/template/value.ts";
import type { NetworkTraffic } from "./network-traffic.ts";

export const STATS_HEADINGS = {
  Container: "CONTAINER",
  ID: "CONTAINER ID",
  Name: "NAME",
  CPUPerc: "CPU %",
  MemUsage: "MEM USAGE / LIMIT",
  MemPerc: "MEM %",
  NetIO: "NET I/O",
  BlockIO: "BLOCK I/O",
  PIDs: "PIDS",
} as const;

export const STATS_TABLE =
  "{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}\t{{.PIDs}}";

/** What was read of a container at one moment; nothing of one that does not run. */
export interface StatsReading {
  readonly id: string;
  readonly name: string;
  /** As it was named by who asks. */
  readonly asked: string;
  readonly stats: ContainerStats | undefined;
  readonly network: NetworkTraffic | undefined;
}

interface RowOptions {
  /** Of the same container, earlier: processor time is shown by what was used since. */
  readonly earlier: StatsReading | undefined;
  /** Of the machine: the limit of those that have none. */
  readonly memoryBytes: number;
  /** Ids in full. */
  readonly isWhole: boolean;
}

/** The row of a container, with docker's fields. Dashes stand for what the kernel does not tell. */
export function statsRow(reading: StatsReading, { earlier, memoryBytes, isWhole }: RowOptions): Struct {
  const { id, name, asked, stats, network } = reading;
  const isIdle = stats === undefined;
  const limit = Number(stats?.memory?.limitBytes ?? memoryBytes);
  const used = Number(stats?.memory?.workingSetBytes ?? 0);
  const has = (group: unknown): boolean => isIdle || group !== undefined;
  return structOf({
    Container: asked,
    ID: isWhole ? id : shortId(id),
    Name: name,
    CPUPerc: has(stats?.cpu) ? percent(cpuShare(stats, earlier?.stats)) : "--",
    MemUsage: has(stats?.memory) ? `${binarySize(used)} / ${binarySize(isIdle ? 0 : limit)}` : "-- / --",
    MemPerc: has(stats?.memory) ? percent(limit === 0 ? 0 : used / limit) : "--",
    NetIO: pair(network?.receivedBytes ?? 0n, network?.sentBytes ?? 0n),
    BlockIO: has(stats?.io) ? pair(stats?.io?.readBytes ?? 0n, stats?.io?.writeBytes ?? 0n) : "-- / --",
    PIDs: has(stats?.pids) ? String(stats?.pids?.current ?? 0) : "--",
  });
}

/** Of one processor's time, since the earlier reading. */
function cpuShare(now: ContainerStats | undefined, earlier: ContainerStats | undefined): number {
  if (now?.cpu === undefined || earlier?.cpu === undefined || now.readAtMs <= earlier.readAtMs) return 0;
  const usedMs = Number(now.cpu.usageNanoseconds - earlier.cpu.usageNanoseconds) / 1e6;
  return Math.max(0, usedMs / (now.readAtMs - earlier.readAtMs));
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)}%`;
}

function pair(first: bigint, second: bigint): string {
  return `${humanSize(Number(first), 3)} / ${humanSize(Number(second), 3)}`;
}
