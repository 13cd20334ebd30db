import { unifiedControllerName } from "./cgroup-layout.ts";

/** An errno that ends an operation quietly, and why that is right. */
export interface CgroupTolerance {
  readonly errno: string;
  readonly because: string;
}

interface OperationBase {
  /**
   * `ancestor`: the same for every container below the same parent, so it may be skipped once it was done.
   * `leaf`: about the container's own cgroup.
   */
  readonly stage: "ancestor" | "leaf";
  /** Absolute path of the cgroup's directory. */
  readonly directory: string;
  /** What it is for, as a sentence without a full stop. */
  readonly reason: string;
  /** The configuration field that asked for it. */
  readonly field: string | undefined;
  readonly tolerate: readonly CgroupTolerance[];
}

/** mkdir(2), mode 0755. */
interface MakeCgroup extends OperationBase {
  readonly kind: "mkdir";
}

/**
 * Opens an existing file for writing and writes the value with one write(2); the kernel takes or refuses the
 * value as a whole. Neighbours with the same directory and file may share one open.
 */
export interface WriteCgroupFile extends OperationBase {
  readonly kind: "write";
  readonly file: string;
  readonly value: string;
  /** Done instead when the open or the write fails with one of these errnos. */
  readonly fallback: CgroupFallback | undefined;
}

export interface CgroupFallback {
  readonly when: readonly string[];
  readonly because: string;
  readonly operations: readonly WriteCgroupFile[];
}

/** Copies the file of the same name from `from` when the cgroup's own is empty (a newline alone counts as empty). */
export interface InheritCgroupFile extends OperationBase {
  readonly kind: "inherit";
  readonly file: string;
  readonly from: string;
}

/** chown(2) of the directory, or of a file in it; the group stays. */
export interface ChownCgroup extends OperationBase {
  readonly kind: "chown";
  readonly file: string | undefined;
  readonly uid: number;
}

/** Loads a `BPF_PROG_TYPE_CGROUP_DEVICE` program and attaches it to the cgroup. */
export interface AttachDeviceFilter extends OperationBase {
  readonly kind: "attach-device-filter";
  /** `struct bpf_insn` after `struct bpf_insn`. */
  readonly program: Uint8Array;
  /** `replace`: programs of this type that are already attached go away once the new one is in force. */
  readonly mode: "add" | "replace";
}

/** Fails when the cgroup uses as much memory already as one of the new limits allows. */
export interface CheckMemoryUse extends OperationBase {
  readonly kind: "check-memory";
  readonly limitBytes: bigint | undefined;
  readonly memoryAndSwapBytes: bigint | undefined;
}

/** One step of making or changing a cgroup: data, to be compiled into system calls, executed or printed. */
export type CgroupOperation =
  | MakeCgroup
  | WriteCgroupFile
  | InheritCgroupFile
  | ChownCgroup
  | AttachDeviceFilter
  | CheckMemoryUse;

/** A container's cgroup in one hierarchy. Plain JSON, so that it can be kept beside the container. */
export interface CgroupDirectory {
  readonly version: 1 | 2;
  /** `cpu,cpuacct`, `name=systemd`, `unified`. */
  readonly label: string;
  /** By the kernel's names; version 2: what the hierarchy offers. */
  readonly controllers: readonly string[];
  readonly path: string;
  /** Version 1's cpuset with files called `cpus` and `mems`. */
  readonly noPrefix: boolean;
}

/** How a process enters the cgroup. */
export interface CgroupJoin {
  readonly directory: string;
  /** A process of one thread writes `0` to move itself: `tasks` in version 1, `cgroup.procs` in version 2. */
  readonly file: string;
  readonly reason: string;
  /** The configuration field that asked for it, if that is not "linux.cgroupsPath". */
  readonly field?: string;
}

/** Something of the configuration that is not enforced, on purpose, and why that is safe. */
export interface CgroupNote {
  readonly field: string;
  readonly what: string;
}

/**
 * Everything about a container's cgroup, worked out before anything is touched.
 *
 * Life: the operations in their order make the cgroups and set the limits while they are empty; then the
 * container's first process joins through `join`, or is cloned into `cloneInto`; when the last process is
 * gone, `remove` is removed leaf first.
 */
export interface CgroupPlan {
  readonly directories: readonly CgroupDirectory[];
  readonly operations: readonly CgroupOperation[];
  /** Every hierarchy but the one of `cloneInto`. */
  readonly join: readonly CgroupJoin[];
  /**
   * The version 2 cgroup for CLONE_INTO_CGROUP (Linux 5.7), which costs nothing, where a write to cgroup.procs
   * waits for an RCU grace period: 6 to 8 ms on an idle machine, 25 us while other moves are recent (measured
   * on Linux 6.18).
   */
  readonly cloneInto: string | undefined;
  readonly notes: readonly CgroupNote[];
  /** Directories to remove at the end. */
  readonly remove: readonly string[];
}

/** Where a controller, given by its version 1 name, acts on the container; undefined: nowhere. */
export function directoryFor(directories: readonly CgroupDirectory[], controller: string): CgroupDirectory | undefined {
  return (
    directories.find((directory) => directory.version === 1 && directory.controllers.includes(controller)) ??
    directories.find(
      (directory) => directory.version === 2 && directory.controllers.includes(unifiedControllerName(controller)),
    )
  );
}

/** The container's cgroup in the unified hierarchy. */
export function unifiedDirectory(directories: readonly CgroupDirectory[]): CgroupDirectory | undefined {
  return directories.find((directory) => directory.version === 2);
}
