import { fstatSync } from "node:fs";
import { posix } from "node:path";
import { OrlopError } from "@orlop/core";
import type { TarEntry } from "@orlop/image";
import { RootDirectory } from "@orlop/snapshot/root-directory";
import { treeEntries } from "./tree-entries.ts";
import { followLast, statPlace, type TreePlace } from "./tree-place.ts";
import { TreeWriter } from "./tree-writer.ts";

/** What is copied. */
interface CopySource {
  readonly isDirectory: boolean;
  /** Its content is, and not the directory. */
  readonly isContent: boolean;
  readonly name: string;
  /** Under the given name; empty for what lies at the top. */
  entries(name: string): AsyncIterable<TarEntry>;
}

interface SourceOptions {
  /** Links at the end of the path are. */
  readonly follows: boolean;
  readonly ownIsRoot: boolean;
}

/** @throws OrlopError `not-found` */
export function openSource(place: TreePlace, { follows, ownIsRoot }: SourceOptions): CopySource {
  const followed = follows || place.meansDirectory ? followLast(place) : place;
  const stat = statPlace(followed, false);
  if (stat === undefined) throw new OrlopError("not-found", place.missing);
  if (place.meansDirectory && !stat.isDirectory()) throw new OrlopError("invalid", `${place.path}: not a directory`);
  const name = posix.basename(place.path);
  return {
    isDirectory: stat.isDirectory(),
    isContent: place.meansContent || name === "",
    name,
    async *entries(as) {
      const options = { name: as, ownIsRoot };
      if (!stat.isDirectory()) {
        using parent = followed.root.find(posix.dirname(followed.path));
        yield* treeEntries(parent, posix.basename(followed.path), options);
        return;
      }
      using directory = followed.root.find(followed.path);
      yield* treeEntries(directory, "", options);
    },
  };
}

interface Target {
  /** A directory. */
  readonly base: string;
  /** In it; empty for what is copied into the directory itself. */
  readonly name: string;
}

/** Where a source comes to be, by docker's rules. @throws OrlopError */
function findTarget(place: TreePlace, source: Pick<CopySource, "isDirectory" | "isContent" | "name">): Target {
  const followed = followLast(place);
  const stat = statPlace(followed, false);
  if (stat?.isDirectory() === true) return { base: followed.path, name: source.isContent ? "" : source.name };
  if (stat !== undefined && source.isDirectory) throw new OrlopError("conflict", "cannot copy directory");
  if (place.meansDirectory && (stat !== undefined || !source.isDirectory)) {
    throw new OrlopError(
      stat === undefined ? "not-found" : "conflict",
      stat ? `${place.path}: not a directory` : place.missing,
    );
  }
  const base = posix.dirname(followed.path);
  if (statPlace({ ...place, path: base }, true)?.isDirectory() !== true) {
    throw new OrlopError("not-found", place.missing);
  }
  return { base, name: posix.basename(followed.path) };
}

interface CopyOptions {
  readonly keepsOwners: boolean;
  /** Links that are there are followed anywhere in the tree, as within a container; otherwise below the directory alone. */
  readonly followsInTree: boolean;
}

/** Copies to a place, and resolves with the number of bytes. */
export async function copyTo(place: TreePlace, source: CopySource, options: CopyOptions): Promise<number> {
  const { base, name } = findTarget(place, source);
  return await writeEntries(place, base, source.entries(name), options);
}

/** Unpacks an archive into a directory. @throws OrlopError `invalid` where there is none */
export async function unpackTo(
  place: TreePlace,
  entries: AsyncIterable<TarEntry>,
  options: CopyOptions,
): Promise<number> {
  const followed = followLast(place);
  if (statPlace(followed, false)?.isDirectory() !== true) {
    throw new OrlopError("invalid", `destination "${place.path}" must be a directory`);
  }
  return await writeEntries(place, followed.path, entries, options);
}

async function writeEntries(
  { root }: TreePlace,
  base: string,
  entries: AsyncIterable<TarEntry>,
  { keepsOwners, followsInTree }: CopyOptions,
): Promise<number> {
  using directory = root.find(base);
  if (!fstatSync(directory.fd).isDirectory()) throw new OrlopError("conflict", `${base}: not a directory`);
  using own = new RootDirectory(directory.path);
  using writer = followsInTree
    ? new TreeWriter(root, { base, keepsOwners })
    : new TreeWriter(own, { base: "/", keepsOwners });
  for await (const entry of entries) await writer.write(entry);
  writer.finish();
  return writer.bytes;
}
