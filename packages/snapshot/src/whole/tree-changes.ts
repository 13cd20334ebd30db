import type { LayerEntry } from "@orlop/core";
import { fileEntry, whiteoutEntry, withRootsOwner } from "../directory/file-entry.ts";
import { readXattrs } from "../system/read-xattrs.ts";
import type { SystemCalls } from "../system/system-calls.ts";
import { FileComparison, type XattrsByPath } from "./file-comparison.ts";
import { inodeOf, parentPath, TreeListing } from "./tree-listing.ts";

interface TreeChangesOptions {
  readonly system: SystemCalls;
  /** Path of a file that is not there, outside of the directories. */
  readonly scratch: string;
  /** An ordinary user's own files, which are those of root to a container of his. */
  readonly ownIsRoot: boolean;
}

/** What a directory was made of. */
interface Origin {
  readonly directory: string;
  /** When it was made: what has been changed since then has a later ctime, or this one. */
  readonly copiedAtNs: bigint;
}

/**
 * What has been changed in a copy of a root file system, as the entries of a layer: the root, what is new or other with the
 * directories that it is in, and whiteouts. Directories come before what is in them, names in the order of their bytes. The
 * same files give the same entries. Whatever links a directory holds, nothing is read outside of it.
 *
 * @param origin absent: it was made empty
 * @throws OrlopError `unsupported` for what a layer cannot say
 */
export async function* treeChanges(
  directory: string,
  origin: Origin | undefined,
  options: TreeChangesOptions,
): AsyncGenerator<LayerEntry> {
  using own = new TreeListing(directory);
  using before = origin === undefined ? undefined : new TreeListing(origin.directory);
  const changed =
    before === undefined ? own.files.keys() : await changedPaths(own, before, origin?.copiedAtNs ?? 0n, options);
  const gone = before === undefined ? [] : gonePaths(own, before);
  const told = [...new Set([...toldPaths(own, changed), ...withParents(gone)])];
  const xattrs = await xattrsOf(own, told, options);
  const links = new Map<string, string>();
  for (const path of told.sort(inOrder)) {
    const stat = own.files.get(path);
    if (stat === undefined) {
      const place = own.files.get(parentPath(path));
      if (place !== undefined) yield whiteoutEntry(path, place);
      continue;
    }
    const first = stat.isDirectory() || stat.nlink === 1n ? undefined : links.get(inodeOf(stat));
    if (first === undefined) links.set(inodeOf(stat), path);
    const entry = fileEntry(own.root, { path, stat }, { xattrs: xattrs.get(path) ?? new Map(), first });
    yield options.ownIsRoot ? withRootsOwner(entry) : entry;
  }
}

async function changedPaths(
  own: TreeListing,
  before: TreeListing,
  copiedAtNs: bigint,
  options: TreeChangesOptions,
): Promise<readonly string[]> {
  const suspects = own.changedSince(copiedAtNs);
  const common = suspects.filter((path) => before.files.has(path));
  const comparison = new FileComparison(own, before, {
    own: await xattrsOf(own, common, options),
    before: await xattrsOf(before, common, options),
  });
  const changed: string[] = [];
  for (const path of suspects) if (!(await comparison.isSame(path))) changed.push(path);
  return changed;
}

/** What is not there any more, but for what was in directories that are not. */
function gonePaths(own: TreeListing, before: TreeListing): readonly string[] {
  return [...before.files.keys()].filter((path) => !own.files.has(path) && own.isDirectory(parentPath(path)));
}

/** With the root, the directories that they are in, and all names of files that have several. */
function toldPaths(own: TreeListing, changed: Iterable<string>): Iterable<string> {
  return withParents(["", ...[...changed].flatMap((path) => own.namesOf(path))]);
}

function withParents(paths: Iterable<string>): ReadonlySet<string> {
  const all = new Set<string>();
  for (const path of paths) {
    for (let at = path; !all.has(at); at = parentPath(at)) all.add(at);
  }
  return all;
}

async function xattrsOf(
  { directory }: TreeListing,
  paths: readonly string[],
  { system, scratch }: TreeChangesOptions,
): Promise<XattrsByPath> {
  const asked = paths.map((path) => (path === "" ? "." : path));
  const found = await readXattrs(system, directory, asked, scratch);
  return new Map([...found].map(([path, xattrs]) => [path === "." ? "" : path, xattrs]));
}

/** Directories before what is in them, names in the order of their bytes. */
function inOrder(a: string, b: string): number {
  const [left, right] = [a.split("/"), b.split("/")];
  for (const [index, name] of left.entries()) {
    const other = right[index];
    if (other === undefined) return 1;
    if (name !== other) return Buffer.compare(Buffer.from(name), Buffer.from(other));
  }
  return left.length - right.length;
}
