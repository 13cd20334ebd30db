import type { Int64, Uint64 } from "./integers.ts";

/** Kinds of device that the device controller tells apart; `a` is both. */
export const LINUX_DEVICE_CGROUP_TYPES = ["a", "b", "c"] as const;
export type LinuxDeviceCgroupType = (typeof LINUX_DEVICE_CGROUP_TYPES)[number];

/** A rule of the device controller; rules apply in order, the last match decides. */
export interface LinuxDeviceCgroup {
  readonly allow: boolean;
  /** Absent means `a`. */
  readonly type?: LinuxDeviceCgroupType;
  /** Absent or -1 means every major number. */
  readonly major?: number;
  /** Absent or -1 means every minor number. */
  readonly minor?: number;
  /** A composition of `r` (read), `w` (write) and `m` (mknod). */
  readonly access?: string;
}

/** Limits in bytes, -1 for none. */
export interface LinuxMemory {
  readonly limit?: Int64;
  /** Soft limit. */
  readonly reservation?: Int64;
  /** Memory and swap together, as in cgroup v1. */
  readonly swap?: Int64;
  /** Deprecated: gone since Linux 5.4 and absent from cgroup v2. */
  readonly kernel?: Int64;
  /** Kernel memory of TCP buffers; cgroup v1 only. */
  readonly kernelTCP?: Int64;
  /** 0 to 100. */
  readonly swappiness?: Uint64;
  readonly disableOOMKiller?: boolean;
  readonly useHierarchy?: boolean;
  /** Refuse a new limit below the current use instead of waking the OOM killer. */
  readonly checkBeforeUpdate?: boolean;
}

/** Times in microseconds. */
export interface LinuxCPU {
  /** Relative weight in cgroup v1's scale, 2 to 262144. */
  readonly shares?: Uint64;
  /** CPU time in a period; negative for no limit. */
  readonly quota?: Int64;
  /** Unused time that may be saved up; at most `quota`. */
  readonly burst?: Uint64;
  readonly period?: Uint64;
  readonly realtimeRuntime?: Int64;
  readonly realtimePeriod?: Uint64;
  /** A list such as `0-3,7`. */
  readonly cpus?: string;
  /** A list such as `0-3,7`. */
  readonly mems?: string;
  /** 1 for SCHED_IDLE, 0 for the usual behaviour. */
  readonly idle?: Int64;
}

export interface LinuxPids {
  /** Most tasks at once; -1 for no limit. 0 is a limit. */
  readonly limit?: Int64;
}

/** A block device by its numbers. */
export interface LinuxBlockIODevice {
  readonly major: number;
  readonly minor: number;
}

/** At least one of the two weights is present. */
export interface LinuxWeightDevice extends LinuxBlockIODevice {
  readonly weight?: number;
  readonly leafWeight?: number;
}

export interface LinuxThrottleDevice extends LinuxBlockIODevice {
  /** Bytes or operations a second, as the list it stands in says. */
  readonly rate: Uint64;
}

export interface LinuxBlockIO {
  readonly weight?: number;
  readonly leafWeight?: number;
  readonly weightDevice?: readonly LinuxWeightDevice[];
  readonly throttleReadBpsDevice?: readonly LinuxThrottleDevice[];
  readonly throttleWriteBpsDevice?: readonly LinuxThrottleDevice[];
  readonly throttleReadIOPSDevice?: readonly LinuxThrottleDevice[];
  readonly throttleWriteIOPSDevice?: readonly LinuxThrottleDevice[];
}

export interface LinuxHugepageLimit {
  /** As the kernel's file names spell it: `64KB`, `2MB`, `1GB`. */
  readonly pageSize: string;
  /** Bytes. */
  readonly limit: Uint64;
}

export interface LinuxInterfacePriority {
  /** An interface of the runtime's network namespace. */
  readonly name: string;
  readonly priority: number;
}

/** cgroup v1's net_cls and net_prio. */
export interface LinuxNetwork {
  readonly classID?: number;
  readonly priorities?: readonly LinuxInterfacePriority[];
}

/** At least one of the two is present. */
export interface LinuxRdma {
  readonly hcaHandles?: number;
  readonly hcaObjects?: number;
}

/** `linux.resources` of config.json, and what `update` takes (config-linux.md, "Control groups"). */
export interface LinuxResources {
  readonly devices?: readonly LinuxDeviceCgroup[];
  readonly memory?: LinuxMemory;
  readonly cpu?: LinuxCPU;
  readonly pids?: LinuxPids;
  readonly blockIO?: LinuxBlockIO;
  readonly hugepageLimits?: readonly LinuxHugepageLimit[];
  readonly network?: LinuxNetwork;
  /** By device name. */
  readonly rdma?: Readonly<Record<string, LinuxRdma>>;
  /** Contents by file name in the cgroup v2 directory. */
  readonly unified?: Readonly<Record<string, string>>;
}
