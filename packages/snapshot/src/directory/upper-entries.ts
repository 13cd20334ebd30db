import type { LayerEntry } from "@orlop/core";
import { isCopied, isOpaque } from "../layer/overlay-xattrs.ts";
import { readXattrs } from "../system/read-xattrs.ts";
import type { SystemCalls } from "../system/system-calls.ts";
import { closedEntries, listOpen } from "./closed-entries.ts";
import { fileEntry, markerEntry, whiteoutEntry, withRootsOwner } from "./file-entry.ts";
import { type FoundFile, listUpper } from "./list-upper.ts";
import { RootDirectory } from "./root-directory.ts";

export interface UpperOptions {
  readonly system: SystemCalls;
  /** Path of a file that is not there, outside of the directory. */
  readonly scratch: string;
  /** An ordinary user's own files, which are those of root to a container of his. */
  readonly ownIsRoot?: boolean;
  /** Receives paths of what overlay has copied from a layer below, before they are told. */
  readonly copied?: Set<string>;
}

/**
 * What was written over the layers below, in the upper directory of an overlay, as the entries of a layer: directories before
 * what is in them, names in the order of their bytes, whiteouts by the names that layers have for them. The same files give
 * the same entries. Whatever links the directory holds, nothing is read outside of it.
 *
 * @throws OrlopError `unsupported` for what overlay keeps of layers below in a way that a layer cannot say
 */
export async function* upperEntries(directory: string, options: UpperOptions): AsyncGenerator<LayerEntry> {
  using root = new RootDirectory(directory);
  const found = options.ownIsRoot ? listOpen(root) : listUpper(root);
  if (found === undefined) {
    yield* closedEntries(directory, options.copied);
    return;
  }
  const paths = found.map(({ path }) => (path === "" ? "." : path));
  const xattrs = await readXattrs(options.system, directory, paths, options.scratch);
  const links = new Map<string, string>();
  for (const { path, stat } of found) {
    const own = xattrs.get(path === "" ? "." : path) ?? new Map<string, Buffer>();
    const written = upperEntry(root, { path, stat }, own, links);
    const entry = options.ownIsRoot ? withRootsOwner(written) : written;
    if (isCopied(own)) options.copied?.add(path);
    yield entry;
    if (entry.kind === "directory" && isOpaque(own))
      yield { ...markerEntry(entry), path: path === "" ? ".wh..wh..opq" : `${path}/.wh..wh..opq` };
  }
}

function upperEntry(
  root: RootDirectory,
  { path, stat }: FoundFile,
  xattrs: ReadonlyMap<string, Buffer>,
  links: Map<string, string>,
): LayerEntry {
  if (stat.isCharacterDevice() && stat.rdev === 0n) return whiteoutEntry(path, stat);
  const inode = `${stat.dev}:${stat.ino}`;
  const first = stat.isDirectory() || stat.nlink === 1n ? undefined : links.get(inode);
  if (!stat.isDirectory()) links.set(inode, first ?? path);
  return fileEntry(root, { path, stat }, { xattrs, first });
}
