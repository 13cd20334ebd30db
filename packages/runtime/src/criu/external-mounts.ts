import type { MountEntry } from "../process/mount-table.ts";
import type { OutsideMount } from "../process/outside-mounts.ts";
import { resolveInRoot } from "./resolve-in-root.ts";

/**
 * How a dump names the outside mounts of a container that runs: CRIU's `external`, with the destination of the config for a
 * name, whatever links it leads through. What is mounted below a recursive bind is named below that.
 *
 * @param destinations those that the container may have
 * @param root through which the container's files are seen: `/proc/PID/root`
 * @param host the mounts of this process: what is on a file system of theirs comes from outside
 */
export function dumpedMounts(
  destinations: readonly string[],
  root: string,
  container: readonly MountEntry[],
  host: readonly MountEntry[],
): readonly string[] {
  const devices = new Set(host.map(({ device }) => device));
  const named = new Map<MountEntry, string>();
  const nameBelow = (top: MountEntry): void => {
    for (const entry of container) {
      if (entry.parentId !== top.id || named.has(entry) || !devices.has(entry.device)) continue;
      named.set(entry, `${named.get(top)}${entry.mountPoint.slice(top.mountPoint.length)}`);
      nameBelow(entry);
    }
  };
  for (const destination of destinations) {
    const place = container.some(({ mountPoint }) => mountPoint === destination)
      ? destination
      : resolveInRoot(root, destination);
    // The last of those that are there on top of one another is the one to be seen.
    const entry = container.findLast(({ mountPoint }) => mountPoint === place);
    if (entry !== undefined && devices.has(entry.device)) named.set(entry, destination);
  }
  for (const entry of [...named.keys()]) nameBelow(entry);
  return [...named].map(([{ mountPoint }, name]) => `mnt[${mountPoint}]:${name}`);
}

/** What a restore says of each outside mount: CRIU's `external`, with the place on the host for each name. */
export function restoredMounts(mounts: readonly OutsideMount[], host: readonly MountEntry[]): readonly string[] {
  return mounts.flatMap(({ destination, source, recursive }) => [
    `mnt[${destination}]:${source}`,
    ...(recursive ? mountedBelow(source, host) : []).map((path) => `mnt[${destination}${path}]:${source}${path}`),
  ]);
}

/** Below `source`, each beginning with a slash. */
function mountedBelow(source: string, host: readonly MountEntry[]): readonly string[] {
  const top = source === "/" ? "" : source;
  return host.flatMap(({ mountPoint }) => (mountPoint.startsWith(`${top}/`) ? [mountPoint.slice(top.length)] : []));
}
