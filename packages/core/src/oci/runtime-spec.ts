import type { Linux, LinuxIDMapping } from "./linux.ts";
import type { Process } from "./process.ts";

/** The version of the runtime-spec that these types follow: what `features` and `state` answer. */
export const RUNTIME_SPEC_VERSION = "1.3.0";

/** The container's root file system. */
export interface Root {
  /** Absolute, or relative to the bundle. */
  readonly path: string;
  readonly readonly?: boolean;
}

/** One entry of `mounts`; they happen in the listed order (config.md, "Mounts"). */
export interface Mount {
  /** A path in the container; a relative one is relative to `/` (deprecated by the spec, still produced). */
  readonly destination: string;
  readonly type?: string;
  /** For a bind mount a host path, absolute or relative to the bundle. */
  readonly source?: string;
  readonly options?: readonly string[];
  /** Only together with `gidMappings`. */
  readonly uidMappings?: readonly LinuxIDMapping[];
  /** Only together with `uidMappings`. */
  readonly gidMappings?: readonly LinuxIDMapping[];
}

export interface Hook {
  /** Absolute. */
  readonly path: string;
  /** The whole argument vector, `args[0]` included; absent: just `path`. */
  readonly args?: readonly string[];
  readonly env?: readonly string[];
  /** Seconds, above 0; absent: no limit. */
  readonly timeout?: number;
}

/** Programs to run at points of the life cycle (config.md, "POSIX-platform Hooks"). */
export interface Hooks {
  /** Deprecated by the spec; runs where `createRuntime` does, before it. */
  readonly prestart?: readonly Hook[];
  /** Namespaces exist, the root has not been pivoted; runs in the runtime's namespaces. */
  readonly createRuntime?: readonly Hook[];
  /** The same moment; runs in the container's namespaces with host paths. */
  readonly createContainer?: readonly Hook[];
  /** Just before the user's program; runs in the container's namespaces with container paths. */
  readonly startContainer?: readonly Hook[];
  /** After the user's program has started; runs in the runtime's namespaces. */
  readonly poststart?: readonly Hook[];
  /** After deletion; runs in the runtime's namespaces, and a failure is only a warning. */
  readonly poststop?: readonly Hook[];
}

/**
 * config.json of a bundle, for Linux. Members that are not listed (other platforms, extensions) are allowed by the
 * spec and survive decoding and encoding.
 */
export interface RuntimeSpec {
  readonly ociVersion: string;
  /** Required by `start`. */
  readonly process?: Process;
  readonly root: Root;
  readonly hostname?: string;
  readonly domainname?: string;
  readonly mounts?: readonly Mount[];
  readonly hooks?: Hooks;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly linux?: Linux;
}

export const CONTAINER_STATUSES = ["creating", "created", "running", "stopped"] as const;
export type ContainerStatus = (typeof CONTAINER_STATUSES)[number];

/** What `state` answers and what a hook reads from its standard input (runtime.md, "State"). */
export interface State {
  readonly ociVersion: string;
  readonly id: string;
  /** The spec's four; runtimes may add their own, and `paused` is the one that all of them add. */
  readonly status: ContainerStatus | "paused";
  /** As the host sees it; present while `created` or `running`. */
  readonly pid?: number;
  /** Absolute. */
  readonly bundle: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The name in `fds` of the descriptor that seccomp(2) returned for notifications. */
export const SECCOMP_FD_NAME = "seccompFd";

/** What goes to `linux.seccomp.listenerPath` beside the descriptors (config-linux.md, "The Container Process State"). */
export interface ContainerProcessState {
  readonly ociVersion: string;
  /** Names of the descriptors in the message, in its order. */
  readonly fds: readonly string[];
  readonly pid: number;
  readonly metadata?: string;
  readonly state: State;
}

export type { Int64, Uint64 } from "./integers.ts";
export {
  LINUX_DEVICE_TYPES,
  LINUX_NAMESPACE_TYPES,
  LINUX_PERSONALITY_DOMAINS,
  LINUX_TIME_OFFSET_CLOCKS,
  type Linux,
  type LinuxDevice,
  type LinuxDeviceType,
  type LinuxIDMapping,
  type LinuxIntelRdt,
  type LinuxMemoryPolicy,
  type LinuxNamespace,
  type LinuxNamespaceType,
  type LinuxNetDevice,
  type LinuxPersonality,
  type LinuxPersonalityDomain,
  type LinuxTimeOffset,
  type LinuxTimeOffsetClock,
  MEMORY_POLICY_FLAGS,
  MEMORY_POLICY_MODES,
  type MemoryPolicyFlag,
  type MemoryPolicyMode,
  ROOTFS_PROPAGATIONS,
  type RootfsPropagation,
} from "./linux.ts";
export {
  type Box,
  type Capabilities,
  type ExecCPUAffinity,
  IO_PRIORITY_CLASSES,
  type IOPriority,
  type IOPriorityClass,
  type Process,
  RLIM_INFINITY,
  RLIMIT_TYPES,
  type Rlimit,
  type RlimitType,
  SCHEDULER_FLAGS,
  SCHEDULER_POLICIES,
  type Scheduler,
  type SchedulerFlag,
  type SchedulerPolicy,
  type User,
} from "./process.ts";
export {
  LINUX_DEVICE_CGROUP_TYPES,
  type LinuxBlockIO,
  type LinuxBlockIODevice,
  type LinuxCPU,
  type LinuxDeviceCgroup,
  type LinuxDeviceCgroupType,
  type LinuxHugepageLimit,
  type LinuxInterfacePriority,
  type LinuxMemory,
  type LinuxNetwork,
  type LinuxPids,
  type LinuxRdma,
  type LinuxResources,
  type LinuxThrottleDevice,
  type LinuxWeightDevice,
} from "./resources.ts";
export {
  LINUX_SECCOMP_ACTIONS,
  LINUX_SECCOMP_ARCHES,
  LINUX_SECCOMP_FLAGS,
  LINUX_SECCOMP_OPERATORS,
  type LinuxSeccomp,
  type LinuxSeccompAction,
  type LinuxSeccompArch,
  type LinuxSeccompArg,
  type LinuxSeccompFlag,
  type LinuxSeccompOperator,
  type LinuxSyscall,
} from "./seccomp.ts";
