import type { LinuxResources } from "@orlop/core";
import { allHierarchies, type CgroupHierarchy, type CgroupLayout, hierarchyLabel } from "./cgroup-layout.ts";
import { type CgroupLocation, type CgroupPlace, placeCgroup } from "./cgroup-path.ts";
import {
  type CgroupDirectory,
  type CgroupJoin,
  type CgroupNote,
  type CgroupOperation,
  type CgroupPlan,
  directoryFor,
  unifiedDirectory,
} from "./cgroup-plan.ts";
import { inheritCpuset, planAncestors, planLeaves } from "./plan-directories.ts";
import { type CgroupOwner, chownOperations } from "./plan-ownership.ts";
import { type CgroupDelegation, probeDelegation } from "./probe-delegation.ts";
import { planResources } from "./resources/plan-resources.ts";
import type { ResourceContext } from "./resources/resource-context.ts";

export interface CgroupPlanOptions {
  /** Without privileges over the machine's cgroups: only what is delegated to the user is used. */
  readonly rootless: boolean;
  /** Cgroup of the systemd instance that owns the unit; `/` for the system's. */
  readonly managerCgroup?: string;
  /** Hands the version 2 cgroup to the container's user (config-linux.md, "Cgroup ownership"). */
  readonly owner?: CgroupOwner;
  /** Asks what a rootless user may do at a place; replaced in tests. */
  readonly probe?: (place: CgroupPlace) => CgroupDelegation;
}

/** A hierarchy that the container will have a cgroup in. */
interface UsablePlace {
  readonly place: CgroupPlace;
  readonly directory: CgroupDirectory;
  /** Version 2: the first directory on the way whose subtree_control is ours to write. */
  readonly top: string;
}

/**
 * Plans the cgroup of a new container: which directories, which limits, how its first process enters.
 *
 * Nothing is read but, when rootless, permissions; nothing is written. Throws OrlopError("unsupported") for a
 * limit that this machine cannot set, OrlopError("denied") for one that this user may not, OrlopError("invalid")
 * for one that cannot be; each names its field. What is left to others on purpose is in the plan's notes.
 */
export function planCgroup(
  layout: CgroupLayout,
  location: CgroupLocation,
  resources: LinuxResources,
  options: CgroupPlanOptions,
): CgroupPlan {
  const denied = new Map<string, string>();
  const usable = location.kind === "disabled" ? [] : usablePlaces(layout, location, options, denied);
  if (location.kind === "disabled") denyAll(layout, denied, "cgroups are switched off for this container");
  const directories = usable.map(({ directory }) => directory);
  const notes: CgroupNote[] = [];
  const context: ResourceContext = {
    purpose: "create",
    directories,
    denied,
    absent: "this machine has no cgroup hierarchy with",
    readCurrent: () => undefined,
  };
  const limits = planResources(resources, context, decideDevices(resources, directories, options, location, notes));
  const unified = usable.find(({ directory }) => directory.version === 2);
  const systemd = location.kind === "systemd";
  return {
    directories,
    operations: [
      ...usable.flatMap(({ place, directory, top }) => {
        const needed = neededControllers(directory, limits);
        // Beside version 1 few controllers are left to version 2, and nothing but an asked limit needs them.
        const wanted = layout.mode === "v2" ? directory.controllers : [...needed];
        return planAncestors(place, { top, wanted, needed }, systemd);
      }),
      ...usable.flatMap(({ place }) => planLeaves(place, systemd)),
      ...limits,
      ...usable.flatMap(({ place }) => inheritLeaf(place)),
      ...(unified === undefined ? [] : chownOperations(unified.directory.path, options.owner)),
    ],
    join: usable.filter(({ place }) => joinsByWriting(place, systemd)).map(({ place }) => joinOf(place)),
    cloneInto: systemd ? undefined : unified?.directory.path,
    notes,
    remove: directories.map(({ path }) => path),
  };
}

function usablePlaces(
  layout: CgroupLayout,
  location: Exclude<CgroupLocation, { kind: "disabled" }>,
  options: CgroupPlanOptions,
  denied: Map<string, string>,
): UsablePlace[] {
  const usable: UsablePlace[] = [];
  for (const hierarchy of allHierarchies(layout)) {
    const place = placeCgroup(hierarchy, location, options.managerCgroup);
    if (!options.rootless) {
      usable.push({ place, directory: directoryOf(place, hierarchy.controllers), top: hierarchy.mountPoint });
      continue;
    }
    const probe = options.probe ?? probeDelegation;
    const delegation =
      location.kind === "systemd" ? delegationOfManager(hierarchy, options.managerCgroup, probe) : probe(place);
    const missing = whatIsMissing(hierarchy, delegation);
    if (missing !== undefined) {
      denyControllers(hierarchy.controllers, denied, missing);
      continue;
    }
    denyControllers(without(hierarchy.controllers, delegation.controllers), denied, notDelegated(delegation));
    const directory = directoryOf(place, delegation.controllers);
    usable.push({ place, directory, top: delegation.top ?? delegation.nearest });
  }
  return usable;
}

/** What the user's systemd has of a hierarchy: it makes the unit's cgroups below its own, and moves processes there. */
function delegationOfManager(
  hierarchy: CgroupHierarchy,
  managerCgroup: string = "/",
  probe: (place: CgroupPlace) => CgroupDelegation,
): CgroupDelegation {
  const base = managerCgroup === "/" ? hierarchy.mountPoint : hierarchy.mountPoint + managerCgroup;
  return { ...probe({ hierarchy, base, directories: [] }), canJoin: true };
}

function whatIsMissing(hierarchy: CgroupHierarchy, delegation: CgroupDelegation): string | undefined {
  if (!delegation.canCreate) {
    return `the cgroup "${delegation.nearest}" is not this user's to change${wayOut(hierarchy)}`;
  }
  if (!delegation.canJoin) {
    return `this user may not move a process from "${hierarchy.ownPath}" to below "${delegation.nearest}"${wayOut(hierarchy)}`;
  }
  return undefined;
}

function wayOut(hierarchy: CgroupHierarchy): string {
  if (hierarchy.version === 1) return "\nTry a machine with cgroup version 2: version 1 cannot be delegated safely";
  return '\nTry "systemd-run --user --scope -p Delegate=yes" in front of the command';
}

function notDelegated(delegation: CgroupDelegation): string {
  return (
    `the cgroup "${delegation.nearest}" hands on only ${delegation.controllers.join(", ") || "nothing"}` +
    '\nTry a drop-in for user@.service with "Delegate=cpu cpuset io memory pids"'
  );
}

function without(all: readonly string[], some: readonly string[]): string[] {
  return all.filter((name) => !some.includes(name));
}

/** Limits are asked for by the version 1 name. */
function denyControllers(controllers: readonly string[], denied: Map<string, string>, reason: string): void {
  for (const controller of controllers) denied.set(controller === "io" ? "blkio" : controller, reason);
}

function denyAll(layout: CgroupLayout, denied: Map<string, string>, reason: string): void {
  for (const hierarchy of allHierarchies(layout)) denyControllers(hierarchy.controllers, denied, reason);
}

function directoryOf(place: CgroupPlace, controllers: readonly string[]): CgroupDirectory {
  const { hierarchy, directories } = place;
  return {
    version: hierarchy.version,
    label: hierarchyLabel(hierarchy),
    controllers,
    path: directories.at(-1) ?? place.base,
    noPrefix: hierarchy.noPrefix,
  };
}

/**
 * Whether the device list can be enforced. Without privileges it cannot, and need not be: such a container can
 * neither make device nodes nor open one that its user could not. A root container with a list and without a
 * cgroup would be one whose CAP_MKNOD opens every disk, so there `planDevices` refuses.
 */
function decideDevices(
  resources: LinuxResources,
  directories: readonly CgroupDirectory[],
  options: CgroupPlanOptions,
  location: CgroupLocation,
  notes: CgroupNote[],
): boolean {
  const asked = (resources.devices ?? []).length > 0;
  const possible = directoryFor(directories, "devices") !== undefined || unifiedDirectory(directories) !== undefined;
  if (!options.rootless && location.kind !== "disabled") {
    if (asked || possible) return true;
    notes.push({ field: "linux.resources.devices", what: "this machine has no cgroup hierarchy for devices" });
    return false;
  }
  const why = options.rootless
    ? "a rootless container has no more access to devices than its user, and can make no device nodes"
    : "cgroups are switched off for this container, so only capabilities keep it from devices";
  if (asked) notes.push({ field: "linux.resources.devices", what: why });
  return false;
}

/** Controllers whose files the limits are written to. */
function neededControllers(directory: CgroupDirectory, limits: readonly CgroupOperation[]): ReadonlySet<string> {
  const files = limits.flatMap((operation) =>
    operation.kind === "write" && operation.directory === directory.path ? [operation.file] : [],
  );
  const names = files.map((file) => file.slice(0, file.indexOf(".")));
  return new Set(names.filter((name) => name !== "cgroup"));
}

function inheritLeaf(place: CgroupPlace): CgroupOperation[] {
  const leaf = place.directories.at(-1) ?? place.base;
  return inheritCpuset(place, leaf, place.directories.at(-2) ?? place.base, "leaf");
}

/** systemd moves the processes of its units itself, in the hierarchies that it manages. */
function joinsByWriting(place: CgroupPlace, systemd: boolean): boolean {
  const { hierarchy } = place;
  if (hierarchy.version === 2) return false;
  return !(systemd && hierarchy.name === "systemd");
}

function joinOf(place: CgroupPlace): CgroupJoin {
  const label = hierarchyLabel(place.hierarchy);
  const directory = place.directories.at(-1) ?? place.base;
  // A thread that moves itself through version 1's `tasks` takes no global lock (kernel/cgroup/cgroup.c,
  // cgroup_procs_write_start): 20 us where cgroup.procs waits up to 15 ms for an RCU grace period.
  const file = place.hierarchy.version === 1 ? "tasks" : "cgroup.procs";
  return { directory, file, reason: `Puts the container under ${label} control` };
}
