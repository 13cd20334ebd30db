import { OrlopError } from "@orlop/core";
import type { CgroupHierarchy } from "./cgroup-layout.ts";
import { expandSlice, type SystemdScope, unitNameOf } from "./systemd/systemd-unit-name.ts";

/**
 * Who creates the cgroups.
 *
 * - `cgroupfs`: mkdir and write
 * - `systemd`: a transient unit, then writes for what systemd has no property for
 * - `disabled`: nobody; the container stays in the caller's cgroup
 */
export type CgroupDriver = "cgroupfs" | "systemd" | "disabled";

/** Where a container's cgroup is to be, independent of any machine. */
export type CgroupLocation =
  /** Components of the path below the mount point (`absolute`) or below the runtime's own place. */
  | { readonly kind: "cgroupfs"; readonly absolute: boolean; readonly components: readonly string[] }
  | { readonly kind: "systemd"; readonly scope: SystemdScope }
  | { readonly kind: "disabled" };

interface CgroupLocationOptions {
  readonly driver: CgroupDriver;
  /** Names the cgroup when the configuration does not. */
  readonly containerId: string;
  readonly rootless: boolean;
}

/** NAME_MAX of cgroupfs, and the kernel's PATH_MAX. */
const COMPONENT_LENGTH_MAX = 255;
const PATH_LENGTH_MAX = 4095;

const FIELD = "linux.cgroupsPath";

/**
 * Reads `linux.cgroupsPath` (config-linux.md, "Cgroups Path").
 *
 * With the cgroupfs driver an absolute path counts from the mount point, a relative one from a place of our
 * choice, and none at all is `orlop/<container id>` there. With the systemd driver the form is that of runc
 * and crun, `slice:prefix:name`; an empty slice is `system.slice`, or `user.slice` for a rootless container.
 *
 * Throws OrlopError("invalid") on what leaves the hierarchy or names its root.
 */
export function parseCgroupsPath(cgroupsPath: string | undefined, options: CgroupLocationOptions): CgroupLocation {
  if (options.driver === "disabled") return { kind: "disabled" };
  const given = cgroupsPath === undefined || cgroupsPath === "" ? undefined : cgroupsPath;
  if (options.driver === "systemd") return { kind: "systemd", scope: parseScope(given, options) };
  const path = given ?? `orlop/${options.containerId}`;
  return { kind: "cgroupfs", absolute: path.startsWith("/"), components: splitPath(path) };
}

function splitPath(path: string): string[] {
  if (path.length > PATH_LENGTH_MAX) throw invalid(path, `it is longer than ${PATH_LENGTH_MAX} bytes`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be in a path that is also printed
  if (/[\u0000-\u001f\u007f]/.test(path)) throw invalid(path, "it contains a control character");
  const components = path.split("/").filter((component) => component !== "" && component !== ".");
  if (components.length === 0) {
    throw invalid(path, "it names the root of the hierarchy, which can be neither limited nor removed");
  }
  for (const component of components) {
    if (component === "..") throw invalid(path, 'it contains ".."');
    if (Buffer.byteLength(component) > COMPONENT_LENGTH_MAX) {
      throw invalid(path, `"${component}" is longer than ${COMPONENT_LENGTH_MAX} bytes`);
    }
  }
  return components;
}

function parseScope(given: string | undefined, options: CgroupLocationOptions): SystemdScope {
  const usualSlice = options.rootless ? "user.slice" : "system.slice";
  if (given === undefined) return { slice: usualSlice, prefix: "orlop", name: options.containerId };
  const parts = given.split(":");
  const [slice, prefix, name] = parts;
  if (parts.length !== 3 || slice === undefined || prefix === undefined || name === undefined || name === "") {
    throw invalid(given, 'with the systemd driver its form is "slice:prefix:name", such as "system.slice:orlop:web"');
  }
  const scope = { slice: slice === "" ? usualSlice : slice, prefix, name };
  expandSlice(scope.slice, FIELD);
  unitNameOf(scope, FIELD);
  return scope;
}

/** A container's cgroup in one hierarchy. */
export interface CgroupPlace {
  readonly hierarchy: CgroupHierarchy;
  /** Existing directory that the path below counts from. */
  readonly base: string;
  /** Absolute paths, top to bottom, without `base`; the last is the container's cgroup. */
  readonly directories: readonly string[];
}

/**
 * The directories of a location in one hierarchy.
 *
 * Relative paths count from the caller's own cgroup in version 1, as runc and crun do. In version 2 they count
 * from its parent: a cgroup with processes of its own, as the caller's, cannot hand controllers to children
 * (cgroup-v2.rst, "No Internal Process Constraint"). A cgroup that the mount does not show is replaced by the
 * mount point, the highest one there is to reach.
 *
 * `managerCgroup` is the cgroup of the systemd instance that will own the unit: `/` for the system's, the
 * property `ControlGroup` of the manager for a user's.
 */
export function placeCgroup(
  hierarchy: CgroupHierarchy,
  location: Exclude<CgroupLocation, { kind: "disabled" }>,
  managerCgroup: string = "/",
): CgroupPlace {
  if (location.kind === "cgroupfs") {
    const base = location.absolute ? hierarchy.mountPoint : relativeBase(hierarchy);
    return { hierarchy, base, directories: descend(base, location.components) };
  }
  const unit = unitNameOf(location.scope, FIELD);
  const below = unit.endsWith(".slice")
    ? expandSlice(unit, FIELD)
    : [...expandSlice(location.scope.slice, FIELD), unit];
  const manager = managerCgroup.split("/").filter((component) => component !== "");
  return { hierarchy, base: hierarchy.mountPoint, directories: descend(hierarchy.mountPoint, [...manager, ...below]) };
}

function relativeBase(hierarchy: CgroupHierarchy): string {
  const own = hierarchy.ownDirectory ?? hierarchy.mountPoint;
  if (hierarchy.version === 1 || own === hierarchy.mountPoint) return own;
  return own.slice(0, own.lastIndexOf("/"));
}

function descend(base: string, components: readonly string[]): string[] {
  return components.map((_, index) => [base, ...components.slice(0, index + 1)].join("/"));
}

function invalid(path: string, what: string): OrlopError {
  return new OrlopError("invalid", `Cannot use ${FIELD} ${JSON.stringify(path)}: ${what}`, {
    operation: "plan cgroup",
    field: FIELD,
  });
}
