import type { Compilation } from "./compilation.ts";
import { type PlannedMount, plannedMounts } from "./mount-sources.ts";

/** The kernel's own limit for one path (path_resolution(7)). */
const LINKS_MAX = 40;

/**
 * Where the links in a mount's destination lead inside the root, if it has any: an image's /etc/resolv.conf that links to
 * what only a service manager makes is mounted over all the same. What this says is looked at before the container is
 * made, in a root that others may change, so it only tells where to make a mount point that is missing.
 *
 * Nobody can say it of what lies below an earlier mount, or in layers.
 */
function linkedPlace(c: Compilation, { mount, field, refuseLinks }: PlannedMount): string | undefined {
  const { rootfs, host } = c.plan;
  if (rootfs.kind !== "directory" || refuseLinks) return undefined;
  for (const earlier of plannedMounts(c)) {
    if (earlier.field === field) break;
    if (mount.destination.startsWith(`${earlier.mount.destination}/`)) return undefined;
  }
  return followLinks(rootfs.path, mount.destination, host.linkTarget);
}

/** `path` without links, each of them followed inside `root`; undefined where there is none, or there are too many. */
function followLinks(root: string, path: string, linkTarget: (path: string) => string | undefined): string | undefined {
  const place: string[] = [];
  const rest = path.split("/");
  let links = 0;
  for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
    if (name === "" || name === ".") continue;
    if (name === "..") {
      place.pop();
      continue;
    }
    const target = linkTarget([root, ...place, name].join("/"));
    if (target === undefined) {
      place.push(name);
      continue;
    }
    links++;
    if (links > LINKS_MAX) return undefined;
    if (target.startsWith("/")) place.length = 0;
    rest.unshift(...target.split("/"));
  }
  return links === 0 ? undefined : `/${place.join("/")}`;
}

/** How the mount point of a mount is opened, or made. */
export function placeOptions(
  c: Compilation,
  planned: PlannedMount,
): { readonly refuseLinks: boolean; readonly leadsTo: string | undefined } {
  return { refuseLinks: planned.refuseLinks, leadsTo: linkedPlace(c, planned) };
}
