import { lstatSync, readdirSync, rmdirSync, unlinkSync } from "node:fs";
import { OrlopError } from "@orlop/core";
import type { OpenPlace } from "@orlop/snapshot/root-directory";

/** Directories in each other, each of which is held open while what is in it goes. */
const DEPTH_MAX = 512;

interface RemoveEntryOptions {
  /** As the caller named it. */
  readonly path: string;
  readonly recursive: boolean;
}

/**
 * Removes what has this name in a directory, by descriptors all the way down: a directory that is replaced by a link
 * meanwhile leads nowhere (CVE-2022-21658 was that race).
 *
 * @throws OrlopError `exhausted` for a tree that is too deep, or the error of unlink(2) or rmdir(2)
 */
export function removeEntry(directory: OpenPlace, name: string, options: RemoveEntryOptions, depth = 0): void {
  const place = `${directory.path}/${name}`;
  if (!lstatSync(place).isDirectory()) {
    unlinkSync(place);
    return;
  }
  if (options.recursive) {
    if (depth === DEPTH_MAX) {
      const what = `directories lie in each other more than ${DEPTH_MAX} deep`;
      throw new OrlopError("exhausted", `Cannot remove "${options.path}" of the sandbox: ${what}`);
    }
    using inner = directory.openSubdirectory(name);
    // A link since it was looked at.
    if (inner !== undefined) for (const each of readdirSync(inner.path)) removeEntry(inner, each, options, depth + 1);
  }
  rmdirSync(place);
}
