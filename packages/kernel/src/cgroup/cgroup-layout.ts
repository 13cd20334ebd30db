/** One mounted cgroup hierarchy, as the calling process sees it. */
export interface CgroupHierarchy {
  readonly version: 1 | 2;
  /**
   * Controllers, by the kernel's names. Version 1: those bound to the hierarchy, several when co-mounted as
   * `cpu,cpuacct`, none when it is only named. Version 2: those that `cgroup.controllers` at the mount point
   * offers.
   */
  readonly controllers: readonly string[];
  /** Name of a version 1 hierarchy mounted with `name=`, such as `systemd`. */
  readonly name: string | undefined;
  readonly mountPoint: string;
  /** The cgroup that stands at the mount point: `/`, or another inside a container without a cgroup namespace. */
  readonly mountRoot: string;
  /** The caller's own cgroup, as /proc/self/cgroup names it. */
  readonly ownPath: string;
  /** Where that lies below the mount point; undefined when this mount does not show it. */
  readonly ownDirectory: string | undefined;
  readonly readOnly: boolean;
  /** Version 1's cpuset mounted the old way: files are called `cpus`, not `cpuset.cpus`. */
  readonly noPrefix: boolean;
}

/**
 * - `v1`: only version 1 hierarchies
 * - `v2`: the unified hierarchy, and at most named version 1 hierarchies beside it
 * - `hybrid`: both have controllers or could have; each controller is in one place
 * - `none`: nothing is mounted
 */
export type CgroupMode = "v1" | "v2" | "hybrid" | "none";

/** Every hierarchy that the calling process can reach. */
export interface CgroupLayout {
  readonly mode: CgroupMode;
  readonly v1: readonly CgroupHierarchy[];
  readonly v2: CgroupHierarchy | undefined;
}

/** The version 2 name of a version 1 controller; most have the same name, some none. */
export function unifiedControllerName(controller: string): string {
  if (controller === "blkio") return "io";
  return controller === "cpuacct" ? "cpu" : controller;
}

/**
 * Where a controller, given by its version 1 name, is in force: a controller bound to a version 1 hierarchy is
 * not available in version 2 at the same time. Undefined: this machine has it nowhere.
 */
export function hierarchyOf(layout: CgroupLayout, controller: string): CgroupHierarchy | undefined {
  const v1 = layout.v1.find((hierarchy) => hierarchy.controllers.includes(controller));
  if (v1 !== undefined) return v1;
  return layout.v2?.controllers.includes(unifiedControllerName(controller)) ? layout.v2 : undefined;
}

/** All hierarchies, version 1 first, in the order in which they were mounted. */
export function allHierarchies(layout: CgroupLayout): readonly CgroupHierarchy[] {
  return layout.v2 === undefined ? layout.v1 : [...layout.v1, layout.v2];
}

/** How a hierarchy is called in state files and messages: its controllers, `name=systemd`, or `unified`. */
export function hierarchyLabel(hierarchy: CgroupHierarchy): string {
  if (hierarchy.version === 2) return "unified";
  return hierarchy.name === undefined ? hierarchy.controllers.join(",") : `name=${hierarchy.name}`;
}
