import type { Int64 } from "./integers.ts";
import type { LinuxResources } from "./resources.ts";
import type { LinuxSeccomp } from "./seccomp.ts";

export const LINUX_NAMESPACE_TYPES = ["pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time"] as const;
export type LinuxNamespaceType = (typeof LINUX_NAMESPACE_TYPES)[number];

/** A type that is not listed is shared with the runtime. */
export interface LinuxNamespace {
  readonly type: LinuxNamespaceType;
  /** An absolute path to join; absent: a new namespace. */
  readonly path?: string;
}

/** `size` ids from `containerID` on stand for those from `hostID` on. */
export interface LinuxIDMapping {
  readonly containerID: number;
  readonly hostID: number;
  readonly size: number;
}

/** Block device, character device, unbuffered character device (the same as `c`), FIFO: mknod(1). */
export const LINUX_DEVICE_TYPES = ["b", "c", "u", "p"] as const;
export type LinuxDeviceType = (typeof LINUX_DEVICE_TYPES)[number];

/** A node that the container must find. */
export interface LinuxDevice {
  readonly type: LinuxDeviceType;
  /** Absolute, in the container. */
  readonly path: string;
  /** Required unless `type` is `p`. */
  readonly major?: number;
  /** Required unless `type` is `p`. */
  readonly minor?: number;
  readonly fileMode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

export interface LinuxNetDevice {
  /** Its name inside, which may end in `%d`; absent: unchanged. */
  readonly name?: string;
}

export interface LinuxTimeOffset {
  readonly secs?: Int64;
  /** Below 1,000,000,000. */
  readonly nanosecs?: number;
}

/** The clocks that a time namespace can shift: time_namespaces(7). */
export const LINUX_TIME_OFFSET_CLOCKS = ["monotonic", "boottime"] as const;
export type LinuxTimeOffsetClock = (typeof LINUX_TIME_OFFSET_CLOCKS)[number];

export const ROOTFS_PROPAGATIONS = [
  "shared",
  "slave",
  "private",
  "unbindable",
  "rshared",
  "rslave",
  "rprivate",
  "runbindable",
] as const;
/** The spec names the first four; its peers take and produce the recursive ones as well. */
export type RootfsPropagation = (typeof ROOTFS_PROPAGATIONS)[number];

/** resctrl (config-linux.md, "IntelRdt"). */
export interface LinuxIntelRdt {
  readonly closID?: string;
  /** Lines for the file `schemata`. */
  readonly schemata?: readonly string[];
  readonly l3CacheSchema?: string;
  /** Begins with `MB:`. */
  readonly memBwSchema?: string;
  readonly enableMonitoring?: boolean;
}

export const LINUX_PERSONALITY_DOMAINS = ["LINUX", "LINUX32"] as const;
export type LinuxPersonalityDomain = (typeof LINUX_PERSONALITY_DOMAINS)[number];

export interface LinuxPersonality {
  readonly domain: LinuxPersonalityDomain;
  /** The spec defines no flag yet, so an entry is an error. */
  readonly flags?: readonly string[];
}

export const MEMORY_POLICY_MODES = [
  "MPOL_DEFAULT",
  "MPOL_BIND",
  "MPOL_INTERLEAVE",
  "MPOL_WEIGHTED_INTERLEAVE",
  "MPOL_PREFERRED",
  "MPOL_PREFERRED_MANY",
  "MPOL_LOCAL",
] as const;
export type MemoryPolicyMode = (typeof MEMORY_POLICY_MODES)[number];

export const MEMORY_POLICY_FLAGS = ["MPOL_F_NUMA_BALANCING", "MPOL_F_RELATIVE_NODES", "MPOL_F_STATIC_NODES"] as const;
export type MemoryPolicyFlag = (typeof MEMORY_POLICY_FLAGS)[number];

/** What goes to set_mempolicy(2). */
export interface LinuxMemoryPolicy {
  readonly mode: MemoryPolicyMode;
  /** A list such as `0-3,7`. */
  readonly nodes?: string;
  readonly flags?: readonly MemoryPolicyFlag[];
}

/** `linux` of config.json (config-linux.md). */
export interface Linux {
  readonly uidMappings?: readonly LinuxIDMapping[];
  readonly gidMappings?: readonly LinuxIDMapping[];
  /** Values by name; only what belongs to a namespace of the container. */
  readonly sysctl?: Readonly<Record<string, string>>;
  readonly resources?: LinuxResources;
  /** Absolute: below the cgroup mount. Relative: where the runtime decides. systemd's driver reads `slice:prefix:name`. */
  readonly cgroupsPath?: string;
  /** At most one entry of a type. */
  readonly namespaces?: readonly LinuxNamespace[];
  readonly devices?: readonly LinuxDevice[];
  /** By the device's name in the runtime's network namespace. */
  readonly netDevices?: Readonly<Record<string, LinuxNetDevice>>;
  readonly seccomp?: LinuxSeccomp;
  readonly rootfsPropagation?: RootfsPropagation;
  /** Absolute paths in the container. */
  readonly maskedPaths?: readonly string[];
  /** Absolute paths in the container. */
  readonly readonlyPaths?: readonly string[];
  readonly mountLabel?: string;
  readonly intelRdt?: LinuxIntelRdt;
  readonly memoryPolicy?: LinuxMemoryPolicy;
  readonly personality?: LinuxPersonality;
  /** Needs a new time namespace. */
  readonly timeOffsets?: Readonly<Partial<Record<LinuxTimeOffsetClock, LinuxTimeOffset>>>;
}
