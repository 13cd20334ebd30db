import { chmodSync, chownSync, utimesSync } from "node:fs";
import { join } from "node:path";
import type { Attributes } from "../layer/lower-layer.ts";

export interface DescribedDirectory {
  /** Below the root; empty for the root itself. */
  readonly path: string;
  readonly attributes: Pick<Attributes, "mode" | "uid" | "gid" | "mtime" | "mtimeNanoseconds">;
}

/**
 * Gives directories, those above first, their owners, modes and times, once nothing is made in them any more. Times that have
 * nanoseconds they have already.
 */
export function describeDirectories(
  root: string,
  directories: readonly DescribedDirectory[],
  keepOwners: boolean,
): void {
  for (const { path, attributes } of directories.toReversed()) {
    const place = join(root, path);
    const { mode, uid, gid, mtime, mtimeNanoseconds } = attributes;
    if (keepOwners) chownSync(place, uid, gid);
    chmodSync(place, mode);
    if (mtimeNanoseconds === 0) utimesSync(place, mtime, mtime);
  }
}
