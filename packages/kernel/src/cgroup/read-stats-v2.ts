import type { CpuStats, IoDeviceStats, MemoryStats, Pressure, PressureShare, Use } from "./cgroup-stats.ts";
import { parseNestedKeyed, readCgroupFile, readCgroupNumber, readFlatKeyed } from "./read-cgroup-file.ts";

const NS_PER_US = 1000n;

export function readCpuV2(directory: string, pressure: Pressure | undefined): CpuStats | undefined {
  const stat = readFlatKeyed(directory, "cpu.stat");
  if (stat.usage_usec === undefined) return undefined;
  return {
    usageNs: stat.usage_usec * NS_PER_US,
    userNs: (stat.user_usec ?? 0n) * NS_PER_US,
    systemNs: (stat.system_usec ?? 0n) * NS_PER_US,
    perCpuNs: [],
    // Only with the cpu controller.
    throttling:
      stat.nr_periods === undefined
        ? undefined
        : {
            periods: stat.nr_periods,
            throttledPeriods: stat.nr_throttled ?? 0n,
            throttledNs: (stat.throttled_usec ?? 0n) * NS_PER_US,
            bursts: stat.nr_bursts ?? 0n,
            burstNs: (stat.burst_usec ?? 0n) * NS_PER_US,
          },
    pressure,
  };
}

export function readMemoryV2(directory: string, pressure: Pressure | undefined): MemoryStats | undefined {
  const events = readFlatKeyed(directory, "memory.events");
  const use = readUse(directory, "memory", events.max ?? 0n);
  if (use === undefined) return undefined;
  return {
    ...use,
    swap: readUse(directory, "memory.swap", readFlatKeyed(directory, "memory.swap.events").max ?? 0n),
    kernel: undefined,
    kernelTcp: undefined,
    stat: readFlatKeyed(directory, "memory.stat"),
    events,
    pressure,
  };
}

/** memory.peak is there since Linux 5.19, memory.swap.peak since 6.5. */
function readUse(directory: string, prefix: string, failures: bigint): Use | undefined {
  const usage = readCgroupNumber(directory, `${prefix}.current`);
  if (usage === undefined) return undefined;
  return {
    usage,
    limit: readCgroupNumber(directory, `${prefix}.max`),
    peak: readCgroupNumber(directory, `${prefix}.peak`),
    failures,
  };
}

export function readIoDevicesV2(directory: string): readonly IoDeviceStats[] | undefined {
  const text = readCgroupFile(directory, "io.stat");
  if (text === undefined) return undefined;
  return [...parseNestedKeyed(text)].flatMap(([device, values]) => {
    const match = /^(\d+):(\d+)$/.exec(device);
    if (match === null) return [];
    return [
      {
        major: Number(match[1]),
        minor: Number(match[2]),
        readBytes: BigInt(values.rbytes ?? 0),
        writtenBytes: BigInt(values.wbytes ?? 0),
        reads: BigInt(values.rios ?? 0),
        writes: BigInt(values.wios ?? 0),
        discardedBytes: BigInt(values.dbytes ?? 0),
        discards: BigInt(values.dios ?? 0),
      },
    ];
  });
}

/** Undefined where the kernel keeps no pressure: built without it, switched off, or not for this cgroup. */
export function readPressure(directory: string, file: string): Pressure | undefined {
  const text = readCgroupFile(directory, file);
  if (text === undefined) return undefined;
  const entries = parseNestedKeyed(text);
  const some = entries.get("some");
  const full = entries.get("full");
  return some === undefined ? undefined : { some: share(some), full: full === undefined ? undefined : share(full) };
}

function share(values: Readonly<Record<string, string>>): PressureShare {
  return {
    avg10: Number(values.avg10 ?? 0),
    avg60: Number(values.avg60 ?? 0),
    avg300: Number(values.avg300 ?? 0),
    totalUs: BigInt(values.total ?? 0),
  };
}
