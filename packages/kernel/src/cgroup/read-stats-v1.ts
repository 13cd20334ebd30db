import type { CpuStats, IoDeviceStats, MemoryStats, Pressure, Use } from "./cgroup-stats.ts";
import { readCgroupFile, readCgroupNumber, readFlatKeyed } from "./read-cgroup-file.ts";

/** cpuacct.stat counts in USER_HZ, which is 100 on every architecture that we run on. */
const NS_PER_TICK = 10_000_000n;

/**
 * "No limit" is the largest multiple of the page size below 2^63, so everything from 2^62 on is taken for it:
 * no machine has that much memory.
 */
const NO_LIMIT_FROM = 2n ** 62n;

/** `accounting` is the directory of cpuacct, `cpu` that of the cpu controller. */
export function readCpuV1(
  accounting: string,
  cpu: string | undefined,
  pressure: Pressure | undefined,
): CpuStats | undefined {
  const usageNs = readCgroupNumber(accounting, "cpuacct.usage");
  if (usageNs === undefined) return undefined;
  const ticks = readFlatKeyed(accounting, "cpuacct.stat");
  const throttling = cpu === undefined ? {} : readFlatKeyed(cpu, "cpu.stat");
  return {
    usageNs,
    userNs: readCgroupNumber(accounting, "cpuacct.usage_user") ?? (ticks.user ?? 0n) * NS_PER_TICK,
    systemNs: readCgroupNumber(accounting, "cpuacct.usage_sys") ?? (ticks.system ?? 0n) * NS_PER_TICK,
    perCpuNs: (readCgroupFile(accounting, "cpuacct.usage_percpu") ?? "").split(/\s+/).filter(Boolean).map(BigInt),
    throttling:
      throttling.nr_periods === undefined
        ? undefined
        : {
            periods: throttling.nr_periods,
            throttledPeriods: throttling.nr_throttled ?? 0n,
            throttledNs: throttling.throttled_time ?? 0n,
            bursts: throttling.nr_bursts ?? 0n,
            burstNs: throttling.burst_time ?? 0n,
          },
    pressure,
  };
}

export function readMemoryV1(directory: string, pressure: Pressure | undefined): MemoryStats | undefined {
  const use = readUse(directory, "memory");
  if (use === undefined) return undefined;
  return {
    ...use,
    swap: readUse(directory, "memory.memsw"),
    kernel: readUse(directory, "memory.kmem"),
    kernelTcp: readUse(directory, "memory.kmem.tcp"),
    stat: readFlatKeyed(directory, "memory.stat"),
    events: readFlatKeyed(directory, "memory.oom_control"),
    pressure,
  };
}

function readUse(directory: string, prefix: string): Use | undefined {
  const usage = readCgroupNumber(directory, `${prefix}.usage_in_bytes`);
  if (usage === undefined) return undefined;
  const limit = readCgroupNumber(directory, `${prefix}.limit_in_bytes`);
  return {
    usage,
    limit: limit === undefined || limit >= NO_LIMIT_FROM ? undefined : limit,
    peak: readCgroupNumber(directory, `${prefix}.max_usage_in_bytes`),
    failures: readCgroupNumber(directory, `${prefix}.failcnt`) ?? 0n,
  };
}

/** The throttling layer counts whatever the scheduler; BFQ's own counters are for kernels that lack its. */
const IO_FILES = [
  ["blkio.throttle.io_service_bytes_recursive", "blkio.throttle.io_serviced_recursive"],
  ["blkio.throttle.io_service_bytes", "blkio.throttle.io_serviced"],
  ["blkio.bfq.io_service_bytes_recursive", "blkio.bfq.io_serviced_recursive"],
] as const;

export function readIoDevicesV1(directory: string): readonly IoDeviceStats[] | undefined {
  for (const [bytesFile, countsFile] of IO_FILES) {
    const bytes = readCgroupFile(directory, bytesFile);
    const counts = readCgroupFile(directory, countsFile);
    if (bytes !== undefined && counts !== undefined) return joinIo(parseBlkio(bytes), parseBlkio(counts));
  }
  return undefined;
}

/** Lines of `major:minor Operation number`, and a total at the end, by device. */
function parseBlkio(text: string): Map<string, Record<string, bigint>> {
  const devices = new Map<string, Record<string, bigint>>();
  for (const line of text.split("\n")) {
    const match = /^(\d+:\d+) (\w+) (\d+)$/.exec(line);
    if (match === null) continue;
    const [, device = "", operation = "", count = "0"] = match;
    const values = devices.get(device) ?? {};
    values[operation] = BigInt(count);
    devices.set(device, values);
  }
  return devices;
}

function joinIo(
  bytes: ReadonlyMap<string, Record<string, bigint>>,
  counts: ReadonlyMap<string, Record<string, bigint>>,
): IoDeviceStats[] {
  const names = [...new Set([...bytes.keys(), ...counts.keys()])];
  return names.map((name) => {
    const [major, minor] = name.split(":").map(Number);
    return {
      major: major ?? 0,
      minor: minor ?? 0,
      readBytes: bytes.get(name)?.Read ?? 0n,
      writtenBytes: bytes.get(name)?.Write ?? 0n,
      reads: counts.get(name)?.Read ?? 0n,
      writes: counts.get(name)?.Write ?? 0n,
      discardedBytes: bytes.get(name)?.Discard ?? 0n,
      discards: counts.get(name)?.Discard ?? 0n,
    };
  });
}
