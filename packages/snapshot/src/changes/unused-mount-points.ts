import type { LayerEntry } from "@orlop/core";
import { findBelow, type LowerLayer } from "../layer/lower-layer.ts";
import { isSameDirectory } from "./is-same-directory.ts";

interface MountPointsOptions {
  /** The uppermost first. */
  readonly below: readonly LowerLayer[];
  /** Absolute. */
  readonly mountPoints: readonly string[];
}

/** What the entries of an upper directory tell of a path. */
type Seen = Pick<LayerEntry, "kind" | "size" | "mode" | "uid" | "gid"> & { inside: number };

/**
 * Paths of entries for what was made only to mount something there: empty files and directories that the layers below do not
 * have, and directories that were made for them, or copied up, with nothing else in them.
 */
export async function unusedMountPoints(
  entries: AsyncIterable<LayerEntry>,
  { below, mountPoints }: MountPointsOptions,
): Promise<ReadonlySet<string>> {
  const seen = new Map<string, Seen>();
  for await (const { path, kind, size, mode, uid, gid } of entries) {
    seen.set(path, { kind, size, mode, uid, gid, inside: 0 });
    const parent = seen.get(parentOf(path));
    // What says that a directory hides what is below is no file in it.
    if (parent !== undefined && !path.endsWith("/.wh..wh..opq")) parent.inside++;
  }
  const unused = new Set<string>();
  const take = (path: string): void => {
    const found = seen.get(path);
    if (found === undefined || unused.has(path) || !isEmpty(found)) return;
    unused.add(path);
    const parent = parentOf(path);
    const above = seen.get(parent);
    if (above === undefined || parent === "") return;
    above.inside--;
    const before = findBelow(below, parent.split("/"));
    if (before === undefined || isSameDirectory(above, before)) take(parent);
  };
  for (const mountPoint of mountPoints) {
    const path = mountPoint
      .split("/")
      .filter((name) => name !== "")
      .join("/");
    if (path !== "" && findBelow(below, path.split("/")) === undefined) take(path);
  }
  return unused;
}

function isEmpty({ kind, size, inside }: Seen): boolean {
  return (kind === "file" && size === 0) || (kind === "directory" && inside === 0);
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf("/"), 0));
}
