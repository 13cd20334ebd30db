import type { Compilation } from "./compilation.ts";
import { followLinks } from "./follow-links.ts";
import { type PlannedMount, plannedMounts } from "./mount-sources.ts";

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

/** How the mount point of a mount is opened, or made. */
export function placeOptions(
  c: Compilation,
  planned: PlannedMount,
): { readonly refuseLinks: boolean; readonly leadsTo: string | undefined } {
  return { refuseLinks: planned.refuseLinks, leadsTo: linkedPlace(c, planned) };
}
