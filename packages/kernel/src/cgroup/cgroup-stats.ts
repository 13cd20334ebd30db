/**
 * What a container uses, read from its cgroups. Figures are the kernel's 64-bit counters, never rounded; a part
 * that no controller accounts here is undefined, as is a limit that is not set.
 */
export interface CgroupStats {
  readonly cpu: CpuStats | undefined;
  readonly memory: MemoryStats | undefined;
  readonly pids: PidsStats | undefined;
  readonly io: IoStats | undefined;
  /** By page size, `2MB`. */
  readonly hugetlb: Readonly<Record<string, HugetlbStats>>;
  /** By device. */
  readonly rdma: Readonly<Record<string, RdmaStats>>;
}

export interface CpuStats {
  readonly usageNs: bigint;
  readonly userNs: bigint;
  readonly systemNs: bigint;
  /** Version 1 only. */
  readonly perCpuNs: readonly bigint[];
  readonly throttling: CpuThrottling | undefined;
  readonly pressure: Pressure | undefined;
}

interface CpuThrottling {
  readonly periods: bigint;
  readonly throttledPeriods: bigint;
  readonly throttledNs: bigint;
  /** Linux 5.14. */
  readonly bursts: bigint;
  readonly burstNs: bigint;
}

/** Use of something that has a limit. */
export interface Use {
  readonly usage: bigint;
  readonly limit: bigint | undefined;
  /** Highest use so far, where the kernel keeps it. */
  readonly peak: bigint | undefined;
  /** How often the limit was hit. */
  readonly failures: bigint;
}

export interface MemoryStats extends Use {
  /** Version 1: memory and swap together. Version 2: swap alone. */
  readonly swap: Use | undefined;
  /** Version 1 only: kernel memory, and the part of it that TCP buffers take. */
  readonly kernel: Use | undefined;
  readonly kernelTcp: Use | undefined;
  /** `memory.stat`, with the kernel's names. */
  readonly stat: Readonly<Record<string, bigint>>;
  /** Version 2: `memory.events`. Version 1: `memory.oom_control`. With the kernel's names. */
  readonly events: Readonly<Record<string, bigint>>;
  readonly pressure: Pressure | undefined;
}

export interface PidsStats {
  readonly current: bigint;
  readonly limit: bigint | undefined;
}

interface IoStats {
  readonly devices: readonly IoDeviceStats[];
  readonly pressure: Pressure | undefined;
}

export interface IoDeviceStats {
  readonly major: number;
  readonly minor: number;
  readonly readBytes: bigint;
  readonly writtenBytes: bigint;
  readonly reads: bigint;
  readonly writes: bigint;
  readonly discardedBytes: bigint;
  readonly discards: bigint;
}

export interface HugetlbStats extends Use {
  /** Use of reservations, where the kernel accounts them (Linux 5.7). */
  readonly reserved: Use | undefined;
}

export interface RdmaStats {
  readonly hcaHandles: bigint;
  readonly hcaObjects: bigint;
  readonly hcaHandlesLimit: bigint | undefined;
  readonly hcaObjectsLimit: bigint | undefined;
}

/** Time lost waiting for a resource (Documentation/accounting/psi.rst); version 2 only. */
export interface Pressure {
  readonly some: PressureShare;
  /** Absent for the CPU before Linux 5.13. */
  readonly full: PressureShare | undefined;
}

export interface PressureShare {
  /** Per cent of the last 10, 60 and 300 seconds. */
  readonly avg10: number;
  readonly avg60: number;
  readonly avg300: number;
  readonly totalUs: bigint;
}
