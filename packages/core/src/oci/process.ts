import type { Uint64 } from "./integers.ts";

/** Size of a terminal in characters. */
export interface Box {
  readonly height: number;
  readonly width: number;
}

/** Ids as the container's user namespace sees them. */
export interface User {
  readonly uid: number;
  readonly gid: number;
  /** Absent: the caller's umask stays. */
  readonly umask?: number;
  readonly additionalGids?: readonly number[];
  /** For Windows; kept, and without meaning here. */
  readonly username?: string;
}

/**
 * The five sets by their names in capabilities(7), each a list of names such as `CAP_CHOWN`. A name that this
 * kernel does not know is a warning and not an error (config.md, "Linux Process"), so the names stay strings.
 */
export interface Capabilities {
  readonly bounding?: readonly string[];
  readonly effective?: readonly string[];
  readonly inheritable?: readonly string[];
  readonly permitted?: readonly string[];
  readonly ambient?: readonly string[];
}

/** All of Linux's resource limits, in the order of their numbers in asm-generic/resource.h. */
export const RLIMIT_TYPES = [
  "RLIMIT_CPU",
  "RLIMIT_FSIZE",
  "RLIMIT_DATA",
  "RLIMIT_STACK",
  "RLIMIT_CORE",
  "RLIMIT_RSS",
  "RLIMIT_NPROC",
  "RLIMIT_NOFILE",
  "RLIMIT_MEMLOCK",
  "RLIMIT_AS",
  "RLIMIT_LOCKS",
  "RLIMIT_SIGPENDING",
  "RLIMIT_MSGQUEUE",
  "RLIMIT_NICE",
  "RLIMIT_RTPRIO",
  "RLIMIT_RTTIME",
] as const;
export type RlimitType = (typeof RLIMIT_TYPES)[number];

/** 2^64 - 1, how `RLIM_INFINITY` stands in a config. */
export const RLIM_INFINITY: bigint = 0xffff_ffff_ffff_ffffn;

export interface Rlimit {
  readonly type: RlimitType;
  readonly hard: Uint64;
  readonly soft: Uint64;
}

export const SCHEDULER_POLICIES = [
  "SCHED_OTHER",
  "SCHED_FIFO",
  "SCHED_RR",
  "SCHED_BATCH",
  "SCHED_ISO",
  "SCHED_IDLE",
  "SCHED_DEADLINE",
] as const;
export type SchedulerPolicy = (typeof SCHEDULER_POLICIES)[number];

export const SCHEDULER_FLAGS = [
  "SCHED_FLAG_RESET_ON_FORK",
  "SCHED_FLAG_RECLAIM",
  "SCHED_FLAG_DL_OVERRUN",
  "SCHED_FLAG_KEEP_POLICY",
  "SCHED_FLAG_KEEP_PARAMS",
  "SCHED_FLAG_UTIL_CLAMP_MIN",
  "SCHED_FLAG_UTIL_CLAMP_MAX",
] as const;
export type SchedulerFlag = (typeof SCHEDULER_FLAGS)[number];

/** What goes to sched_setattr(2). Absent numbers are 0. */
export interface Scheduler {
  readonly policy: SchedulerPolicy;
  readonly nice?: number;
  readonly priority?: number;
  readonly flags?: readonly SchedulerFlag[];
  /** Nanoseconds; like the next two for `SCHED_DEADLINE`. */
  readonly runtime?: Uint64;
  /** Nanoseconds. */
  readonly deadline?: Uint64;
  /** Nanoseconds. */
  readonly period?: Uint64;
}

export const IO_PRIORITY_CLASSES = ["IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE", "IOPRIO_CLASS_IDLE"] as const;
export type IOPriorityClass = (typeof IO_PRIORITY_CLASSES)[number];

export interface IOPriority {
  readonly class: IOPriorityClass;
  /** 0 (first) to 7 (last). */
  readonly priority: number;
}

/** CPU lists such as `0-3,7` for a process that joins a container; the container's first process ignores it. */
export interface ExecCPUAffinity {
  /** Before the move into the container's cgroup. */
  readonly initial?: string;
  /** After it. */
  readonly final?: string;
}

/** `process` of config.json, and what `exec --process` reads (config.md, "Process"). */
export interface Process {
  readonly terminal?: boolean;
  /** Without meaning unless `terminal` is true. */
  readonly consoleSize?: Box;
  readonly user: User;
  /** At least one entry; the first is looked up as execvp(3) does. */
  readonly args: readonly string[];
  /** For Windows; kept, and without meaning here. */
  readonly commandLine?: string;
  readonly env?: readonly string[];
  /** Absolute. */
  readonly cwd: string;
  readonly capabilities?: Capabilities;
  /** At most one entry of a type. */
  readonly rlimits?: readonly Rlimit[];
  readonly noNewPrivileges?: boolean;
  readonly apparmorProfile?: string;
  /** -1000 to 1000; absent: unchanged. */
  readonly oomScoreAdj?: number;
  readonly scheduler?: Scheduler;
  readonly selinuxLabel?: string;
  readonly ioPriority?: IOPriority;
  readonly execCPUAffinity?: ExecCPUAffinity;
}
