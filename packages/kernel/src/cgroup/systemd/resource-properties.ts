import type { Int64, LinuxBlockIO, LinuxCPU, LinuxMemory, LinuxResources, Uint64 } from "@orlop/core";
import { isSet, refuse } from "../resources/resource-context.ts";
import { cpuWeightOfShares, ioWeightOfBlockIOWeight } from "../resources/resource-conversions.ts";
import { deviceProperties } from "./device-properties.ts";
import { SYSTEMD_INFINITY, type SystemdProperty, systemdProperty } from "./systemd-property.ts";
import { unifiedProperties } from "./unified-properties.ts";
import { PERIOD_US } from "./unit-resources.ts";

/** Since which version systemd knows a property. */
export const SYSTEMD_SINCE = {
  deviceByMajor: 240,
  cpuQuotaPeriod: 242,
  allowedCpus: 244,
  idleWeight: 252,
  oomPolicy: 253,
} as const;

export interface ResourcePropertyOptions {
  /** Version of the cgroup hierarchies that systemd applies limits in. */
  readonly cgroupVersion: 1 | 2;
  /** Major version of systemd, `252`. */
  readonly systemdVersion: number;
}

/**
 * The properties that say to systemd what `linux.resources` says, for a new unit and for updates. systemd must
 * know the limits, because it writes its own whenever it reloads; what it has no property for, or is too old for,
 * is written to the cgroup's files by the plan alone, as all the rest is too.
 *
 * Expects resources that `planCgroup` has accepted.
 */
export function resourceProperties(resources: LinuxResources, options: ResourcePropertyOptions): SystemdProperty[] {
  const { memory, cpu, pids, blockIO, unified, devices } = resources;
  return [
    ...(devices === undefined ? [] : deviceProperties(devices, options)),
    ...(memory === undefined ? [] : memoryProperties(memory, options)),
    ...(cpu === undefined ? [] : cpuProperties(cpu, options)),
    ...(pids?.limit === undefined ? [] : [systemdProperty("TasksMax", "t", tasksMax(pids.limit))]),
    ...(blockIO === undefined ? [] : blockIOProperties(blockIO, options)),
    ...(unified === undefined ? [] : unifiedProperties(unified, options)),
  ];
}

/** systemd takes no 0; see `planPids`. */
export function tasksMax(limit: Int64): bigint {
  if (limit < 0) return SYSTEMD_INFINITY;
  return limit > 0 ? BigInt(limit) : 1n;
}

function bytes(limit: Int64): bigint {
  return limit < 0 ? SYSTEMD_INFINITY : BigInt(limit);
}

function memoryProperties(memory: LinuxMemory, { cgroupVersion }: ResourcePropertyOptions): SystemdProperty[] {
  const { limit, reservation, swap } = memory;
  if (cgroupVersion === 1) return isSet(limit) ? [systemdProperty("MemoryLimit", "t", bytes(limit))] : [];
  const properties: SystemdProperty[] = [];
  if (isSet(limit)) properties.push(systemdProperty("MemoryMax", "t", bytes(limit)));
  if (isSet(reservation)) properties.push(systemdProperty("MemoryLow", "t", bytes(reservation)));
  const swapMax = swapAlone(limit, swap);
  if (swapMax !== undefined) properties.push(systemdProperty("MemorySwapMax", "t", swapMax));
  return properties;
}

function swapAlone(limit: Int64 | undefined, swap: Int64 | undefined): bigint | undefined {
  if (!isSet(swap)) return limit === -1 ? SYSTEMD_INFINITY : undefined;
  if (swap < 0) return SYSTEMD_INFINITY;
  return isSet(limit) && limit > 0 ? BigInt(swap) - BigInt(limit) : BigInt(swap);
}

function cpuProperties(cpu: LinuxCPU, options: ResourcePropertyOptions): SystemdProperty[] {
  const { shares, quota, period, cpus, mems } = cpu;
  return [
    ...weightProperties(cpu.idle, shares, options),
    ...quotaProperties(isSet(quota) ? quota : undefined, isSet(period) ? period : undefined, options),
    ...cpusetProperties("AllowedCPUs", "cpu.cpus", cpus, options),
    ...cpusetProperties("AllowedMemoryNodes", "cpu.mems", mems, options),
  ];
}

function weightProperties(
  idle: Int64 | undefined,
  shares: Uint64 | undefined,
  { cgroupVersion, systemdVersion }: ResourcePropertyOptions,
): SystemdProperty[] {
  if (cgroupVersion === 1) return isSet(shares) ? [systemdProperty("CPUShares", "t", BigInt(shares))] : [];
  // The weight 0 stands for idle, and one unit has one weight.
  if (isSet(idle)) return systemdVersion >= SYSTEMD_SINCE.idleWeight ? [systemdProperty("CPUWeight", "t", 0n)] : [];
  return isSet(shares) ? [systemdProperty("CPUWeight", "t", cpuWeightOfShares(shares))] : [];
}

/** systemd keeps quotas as whole per cent of a CPU: 10 ms a second. */
const PER_CENT_US = 10_000n;

/** Rounded up to what systemd can express: see `unitResources`. */
export function quotaProperties(
  quota: Int64 | undefined,
  period: Uint64 | undefined,
  { systemdVersion }: ResourcePropertyOptions,
): SystemdProperty[] {
  if (quota === undefined && period === undefined) return [];
  const properties: SystemdProperty[] = [];
  if (period !== undefined && systemdVersion >= SYSTEMD_SINCE.cpuQuotaPeriod) {
    properties.push(systemdProperty("CPUQuotaPeriodUSec", "t", BigInt(period)));
  }
  // A period alone says nothing about the quota.
  if (quota === undefined) return properties;
  const perSecond = quota < 0 ? SYSTEMD_INFINITY : roundUp((BigInt(quota) * 1_000_000n) / BigInt(period ?? PERIOD_US));
  return [...properties, systemdProperty("CPUQuotaPerSecUSec", "t", perSecond)];
}

function roundUp(time: bigint): bigint {
  return ((time + PER_CENT_US - 1n) / PER_CENT_US) * PER_CENT_US;
}

/** No machine that Linux runs on has more. */
const CPU_NUMBER_MAX = 8191;

export function cpusetProperties(
  name: "AllowedCPUs" | "AllowedMemoryNodes",
  field: string,
  list: string | undefined,
  { systemdVersion }: ResourcePropertyOptions,
): SystemdProperty[] {
  if (list === undefined || list === "" || systemdVersion < SYSTEMD_SINCE.allowedCpus) return [];
  return [systemdProperty(name, "ay", maskOfList(list, field))];
}

/** `0-2,8` as bytes of bits, the lowest number in the lowest bit of the first byte. */
function maskOfList(list: string, field: string): Uint8Array {
  const mask: number[] = [];
  for (const range of list
    .split(",")
    .map((part) => part.trim())
    .filter(Boolean)) {
    const [, first, last, use, of] = /^(\d+)(?:-(\d+)(?::(\d+)\/(\d+))?)?$/.exec(range) ?? [];
    const [from, to] = [Number(first), Number(last ?? first)];
    if (first === undefined || from > to || to > CPU_NUMBER_MAX)
      throw refuse("invalid", field, list, `"${range}" is no range`);
    for (let number = from; number <= to; number++) {
      if (of !== undefined && (number - from) % Number(of) >= Number(use)) continue;
      while (mask.length <= number >> 3) mask.push(0);
      mask[number >> 3] = (mask[number >> 3] ?? 0) | (1 << (number & 7));
    }
  }
  return Uint8Array.from(mask);
}

function blockIOProperties(blockIO: LinuxBlockIO, { cgroupVersion }: ResourcePropertyOptions): SystemdProperty[] {
  const { weight } = blockIO;
  if (cgroupVersion === 1) return isSet(weight) ? [systemdProperty("BlockIOWeight", "t", BigInt(weight))] : [];
  const properties: SystemdProperty[] = [];
  if (isSet(weight)) properties.push(systemdProperty("IOWeight", "t", BigInt(ioWeightOfBlockIOWeight(weight))));
  const weights = (blockIO.weightDevice ?? []).flatMap(({ major, minor, weight: own }) =>
    isSet(own) ? [[blockDevice(major, minor), BigInt(ioWeightOfBlockIOWeight(own))]] : [],
  );
  if (weights.length > 0) properties.push(systemdProperty("IODeviceWeight", "a(st)", weights));
  for (const [name, list] of Object.entries(IO_LIMITS)) {
    const limits = (blockIO[list] ?? []).map(({ major, minor, rate }) => [
      blockDevice(major, minor),
      isSet(rate) ? BigInt(rate) : SYSTEMD_INFINITY,
    ]);
    if (limits.length > 0) properties.push(systemdProperty(name, "a(st)", limits));
  }
  return properties;
}

const IO_LIMITS = {
  IOReadBandwidthMax: "throttleReadBpsDevice",
  IOWriteBandwidthMax: "throttleWriteBpsDevice",
  IOReadIOPSMax: "throttleReadIOPSDevice",
  IOWriteIOPSMax: "throttleWriteIOPSDevice",
} as const;

function blockDevice(major: number, minor: number): string {
  return `/dev/block/${major}:${minor}`;
}
