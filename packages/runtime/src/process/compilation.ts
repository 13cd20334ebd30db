import type { CreateRequest, LinuxNamespaceType, RootFilesystem } from "@orlop/core";
import type { Architecture, Label, Pointer, ProgramBuilder, Slot } from "@orlop/kernel";

/** What compiling needs to know of the machine; given, so that the same request compiles to the same program. */
export interface HostView {
  readonly architecture: Architecture;
  /** Effective uid and gid of the process that will start the program. */
  readonly uid: number;
  readonly gid: number;
  /** Pid of the process that will start the program: whose descriptors `{ fd }` refers to. */
  readonly pid: number;
  /** Highest capability of this kernel: /proc/sys/kernel/cap_last_cap. */
  readonly lastCapability: number;
  /** `undefined` when nothing is there. */
  fileKind(path: string): "directory" | "file" | "other" | undefined;
}

/** One container to make. */
export interface CreatePlan {
  readonly request: CreateRequest;
  readonly rootfs: RootFilesystem;
  /** Directory for the control pipe and the exit record; it exists and is ours. */
  readonly stateDirectory: string;
  /** Wait after `created` for a start command; otherwise go straight on to the user's program. */
  readonly startOnCommand: boolean;
  readonly host: HostView;
}

/** The state of one compilation: the program being written and the places that its parts share. */
export interface Compilation {
  readonly p: ProgramBuilder;
  readonly plan: CreatePlan;
  readonly namespaces: ReadonlyMap<LinuxNamespaceType, string | undefined>;
  /** In a user namespace of its own. */
  readonly userNamespace: boolean;
  /** The starter may do to the host's mounts what it likes. */
  readonly privileged: boolean;
  readonly slots: {
    readonly state: Slot;
    readonly control: Slot;
    /** The reaper's and init's ends of the socket between them. */
    readonly syncReaper: Slot;
    readonly syncInit: Slot;
    readonly pidfd: Slot;
    readonly child: Slot;
    /** Root of the container's file system: the mount. */
    readonly root: Slot;
    readonly stdio: readonly [Slot, Slot, Slot];
  };
  readonly labels: {
    readonly init: Label;
    readonly initFailed: Label;
    readonly reaperFailed: Label;
  };
  readonly report: Pointer;
}

/** A new namespace of this kind is asked for (not one by path, not the caller's). */
export function isNew(c: Compilation, type: LinuxNamespaceType): boolean {
  return c.namespaces.has(type) && c.namespaces.get(type) === undefined;
}
