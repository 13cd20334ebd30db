import type { CgroupStats } from "@orlop/kernel";
import type { ResctrlStats } from "../resctrl/read-resctrl.ts";
import type { OciStats } from "./oci-containers.ts";

/**
 * How runc says that there is no limit: the largest number of 64 bits.
 */
const NO_LIMIT = 0xffff_ffff_ffff_ffffn;

type Cpu = NonNullable<CgroupStats["cpu"]>;
type Memory = NonNullable<CgroupStats["memory"]>;
type Io = NonNullable<CgroupStats["io"]>;
type Pressure = NonNullable<Cpu["pressure"]>;
type Use = NonNullable<Memory["swap"]>;

/** The member `data` of an event `stats`, with the names of runc's types.Stats; what nobody accounts is absent. */
export function statsDocument({
  cpu,
  memory,
  pids,
  io,
  hugetlb,
  resctrl,
}: OciStats): Readonly<Record<string, unknown>> {
  return {
    cpu: cpu === undefined ? {} : cpuDocument(cpu),
    memory: memory === undefined ? {} : memoryDocument(memory),
    pids: pids === undefined ? {} : { current: pids.current, ...given("limit", pids.limit) },
    blkio: io === undefined ? {} : ioDocument(io),
    hugetlb: Object.fromEntries(
      Object.entries(hugetlb).map(([size, use]) => [
        size,
        { usage: use.usage, ...given("max", use.peak), failcnt: use.failures },
      ]),
    ),
    intel_rdt: resctrl === undefined ? {} : resctrlDocument(resctrl),
    network_interfaces: null,
  };
}

function resctrlDocument({ schemata, domains }: ResctrlStats): unknown {
  const lineOf = (resource: string): string | undefined => schemata.find((line) => line.startsWith(`${resource}:`));
  const counted = (names: readonly string[]): unknown => {
    const found = domains.map((domain) => Object.fromEntries(names.map((name) => [name, domain[name] ?? 0n])));
    return found.length === 0 ? undefined : found;
  };
  return {
    ...given("l3_cache_schema", lineOf("L3")),
    ...given("mem_bw_schema", lineOf("MB")),
    schemata,
    ...given("mbm_stats", counted(["mbm_total_bytes", "mbm_local_bytes"])),
    ...given("cmt_stats", counted(["llc_occupancy"])),
  };
}

function cpuDocument({ usageNs, userNs, systemNs, perCpuNs, throttling, pressure }: Cpu): unknown {
  return {
    usage: {
      total: usageNs,
      ...(perCpuNs.length === 0 ? {} : { percpu: perCpuNs }),
      kernel: systemNs,
      user: userNs,
    },
    throttling:
      throttling === undefined
        ? {}
        : {
            periods: throttling.periods,
            throttledPeriods: throttling.throttledPeriods,
            throttledTime: throttling.throttledNs,
          },
    ...given("psi", pressureDocument(pressure)),
  };
}

function memoryDocument(memory: Memory): unknown {
  return {
    ...given("cache", memory.stat.cache ?? memory.stat.file),
    usage: useDocument(memory),
    ...given("swap", memory.swap && useDocument(memory.swap)),
    ...given("kernel", memory.kernel && useDocument(memory.kernel)),
    ...given("kernelTCP", memory.kernelTcp && useDocument(memory.kernelTcp)),
    raw: memory.stat,
    ...given("psi", pressureDocument(memory.pressure)),
  };
}

function useDocument({ usage, limit, peak, failures }: Use): unknown {
  return { limit: limit ?? NO_LIMIT, usage, ...given("max", peak), failcnt: failures };
}

function ioDocument({ devices, pressure }: Io): unknown {
  const entries = (
    read: "readBytes" | "reads",
    write: "writtenBytes" | "writes",
    discard: "discardedBytes" | "discards",
  ) =>
    devices.flatMap((device) =>
      (
        [
          ["Read", device[read]],
          ["Write", device[write]],
          ["Discard", device[discard]],
        ] as const
      ).map(([op, value]) => ({ major: device.major, minor: device.minor, op, value })),
    );
  return {
    ioServiceBytesRecursive: entries("readBytes", "writtenBytes", "discardedBytes"),
    ioServicedRecursive: entries("reads", "writes", "discards"),
    ...given("psi", pressureDocument(pressure)),
  };
}

function pressureDocument(pressure: Pressure | undefined): unknown {
  if (pressure === undefined) return undefined;
  const share = ({ avg10, avg60, avg300, totalUs }: Pressure["some"]) => ({ avg10, avg60, avg300, total: totalUs });
  return { some: share(pressure.some), ...given("full", pressure.full && share(pressure.full)) };
}

/** A member that is there only if it has a value. */
function given(name: string, value: unknown): Readonly<Record<string, unknown>> {
  return value === undefined ? {} : { [name]: value };
}
