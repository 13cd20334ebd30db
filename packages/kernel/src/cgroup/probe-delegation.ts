import { accessSync, constants, readFileSync, statSync } from "node:fs";
import type { CgroupPlace } from "./cgroup-path.ts";

/** What this user may do at a place in one hierarchy. */
export interface CgroupDelegation {
  /** The deepest directory on the way to the place that exists. */
  readonly nearest: string;
  /** May make a cgroup there. */
  readonly canCreate: boolean;
  /** May move a process there from its own cgroup: that needs the cgroup.procs of the common ancestor. */
  readonly canJoin: boolean;
  /** Version 2: the highest directory on the way whose cgroup.subtree_control may be written. */
  readonly top: string | undefined;
  /** Version 2: the controllers that a cgroup below `nearest` can have. */
  readonly controllers: readonly string[];
}

/**
 * Asks the file system what a rootless caller may do (cgroup-v2.rst, "Delegation Containment"). Never throws: a
 * directory that cannot be looked at is one that cannot be used.
 */
export function probeDelegation(place: CgroupPlace): CgroupDelegation {
  const { hierarchy, directories } = place;
  const way = [...ancestry(hierarchy.mountPoint, place.base), ...directories];
  const nearest = way.findLast(exists) ?? hierarchy.mountPoint;
  const reachable = way.slice(0, way.indexOf(nearest) + 1);
  const top =
    hierarchy.version === 2 ? reachable.find((path) => writable(`${path}/cgroup.subtree_control`)) : undefined;
  return {
    nearest,
    canCreate: !hierarchy.readOnly && writable(nearest),
    canJoin:
      hierarchy.ownDirectory !== undefined &&
      writable(`${commonAncestor(hierarchy.ownDirectory, nearest)}/cgroup.procs`),
    top,
    controllers: hierarchy.version === 1 ? hierarchy.controllers : controllersBelow(nearest),
  };
}

/** Directories from `top` down to `bottom`, both included. */
export function ancestry(top: string, bottom: string): string[] {
  const below = bottom === top ? [] : bottom.slice(top.length + 1).split("/");
  return [top, ...below.map((_, index) => [top, ...below.slice(0, index + 1)].join("/"))];
}

function commonAncestor(one: string, other: string): string {
  const [left, right] = [one.split("/"), other.split("/")];
  const length = left.findIndex((part, index) => part !== right[index]);
  return (length === -1 ? left : left.slice(0, length)).join("/");
}

/** Those handed to children already, or those that could be. */
function controllersBelow(directory: string): string[] {
  const file = writable(`${directory}/cgroup.subtree_control`) ? "cgroup.controllers" : "cgroup.subtree_control";
  try {
    return readFileSync(`${directory}/${file}`, "utf8").split(/\s+/).filter(Boolean);
  } catch {
    return [];
  }
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function writable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
