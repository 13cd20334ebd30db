import { rmSync } from "node:fs";
import { readXattrs } from "../system/read-xattrs.ts";
import type { SystemCalls } from "../system/system-calls.ts";
import { listUpper } from "./list-upper.ts";
import { RootDirectory } from "./root-directory.ts";

/** The extended attributes of all directories of a tree by their paths, the tree itself by the empty one; `scratch` as there. */
export async function directoryXattrs(
  system: SystemCalls,
  tree: string,
  scratch: string,
): Promise<ReadonlyMap<string, ReadonlyMap<string, Buffer>>> {
  using root = new RootDirectory(tree);
  const directories = listUpper(root).filter(({ stat }) => stat.isDirectory());
  rmSync(scratch, { force: true });
  const paths = directories.map(({ path }) => (path === "" ? "." : path));
  const found = await readXattrs(system, tree, paths, scratch);
  return new Map([...found].map(([path, xattrs]) => [path === "." ? "" : path, xattrs]));
}
