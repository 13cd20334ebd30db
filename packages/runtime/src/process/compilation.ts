import type { CreateRequest, Hooks, LinuxNamespaceType, RootFilesystem } from "@orlop/core";
import type { CgroupPlan, SeccompProgram, Slot } from "@orlop/kernel";
import type { ResctrlGroup } from "../resctrl/plan-resctrl.ts";
import type { PlannedUnit } from "../systemd/container-unit.ts";
import type { MountEntry } from "./mount-table.ts";
import type { Handover, HostView, Supervision } from "./supervision.ts";

/** How a container is made, beyond what the contract's request says. */
export interface CreateStyle extends Handover {
  /** Wait after `created` for a start command; otherwise go straight on to the user's program. */
  readonly startOnCommand: boolean;
  /** The cgroups stay when init has ended: deleting the container removes them. */
  readonly keepsCgroups?: boolean;
  /** Change into the root without pivot_root(2), and take these away, which are the host's mounts. */
  readonly withoutPivot?: readonly MountEntry[];
  /** Where the config is, if it is not the bundle's config.json, for who reads it later; absolute. */
  readonly configPath?: string;
}

/** One container to make. */
export interface CreatePlan {
  readonly request: CreateRequest;
  readonly rootfs: RootFilesystem;
  /** Directory for the control pipe and the exit record; it exists and is ours. */
  readonly stateDirectory: string;
  readonly style: CreateStyle;
  readonly cgroup: CgroupPlan | undefined;
  /** What systemd is to make of it, where that makes the cgroups. */
  readonly unit?: PlannedUnit;
  /** What of `cgroup` is not a cgroup. */
  readonly resctrl?: ResctrlGroup;
  readonly seccomp: SeccompProgram | undefined;
  readonly host: HostView;
}

/** The state of one compilation of a container: the two processes, and what only a container has. */
export interface Compilation extends Supervision {
  readonly plan: CreatePlan;
  readonly namespaces: ReadonlyMap<LinuxNamespaceType, string | undefined>;
  /** In a user namespace other than the starter's. */
  readonly userNamespace: boolean;
  /** In a user namespace at all, be it the starter's: without rights over devices and other file systems' attributes. */
  readonly withinUserNamespace: boolean;
  /** The starter may do to the host's mounts what it likes. */
  readonly privileged: boolean;
  /** The mount that is the root of the container's file system. */
  readonly root: Slot;
  /** A handle on procfs, see proc-handle.ts. */
  readonly proc: Slot;
}

/** A new namespace of this kind is asked for (not one by path, not the caller's). */
export function isNew(c: Compilation, type: LinuxNamespaceType): boolean {
  return c.namespaces.has(type) && c.namespaces.get(type) === undefined;
}

/** Hooks of the moment before the pivot. */
export const PIVOT_HOOKS = ["prestart", "createRuntime", "createContainer"] as const;

export function hasHooks(c: Compilation, ...kinds: readonly (keyof Hooks)[]): boolean {
  return kinds.some((kind) => (c.plan.request.spec.hooks?.[kind] ?? []).length > 0);
}

/** Nobody of ours is there any more when it is told to start. */
export function startsAsOrphan({ plan: { style } }: Compilation): boolean {
  return style.orphaned === true && style.startOnCommand;
}
