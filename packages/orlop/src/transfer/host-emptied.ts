import { relative } from "node:path";
import { parseMountTable } from "../image/mount-table.ts";
import { HOST_EMPTIED } from "../image/plain-root.ts";
import { ownDataDirectory } from "../store/data-directory.ts";

/**
 * What an image of this machine's root file system has nothing in, as paths below the root: what programs keep there for a while,
 * places where something is mounted, and orlop's own images.
 *
 * @param mountinfo text of /proc/self/mountinfo
 */
export function hostEmptied(mountinfo: string): ReadonlySet<string> {
  const mounted = parseMountTable(mountinfo).map(({ path }) => path);
  const own = [...mounted, ownDataDirectory()].map((path) => relative("/", path));
  return new Set([...HOST_EMPTIED, "tmp", "var/tmp", ...own].filter((path) => path !== ""));
}
