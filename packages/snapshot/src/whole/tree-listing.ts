import type { BigIntStats } from "node:fs";
import { listUpper } from "../directory/list-upper.ts";
import { RootDirectory } from "../directory/root-directory.ts";

/** All files of a directory by their paths, the directory itself by the empty one. */
export class TreeListing implements Disposable {
  readonly directory: string;
  readonly root: RootDirectory;
  /** Directories before what is in them. */
  readonly files: ReadonlyMap<string, BigIntStats>;
  /** By {@link inodeOf}, all names of files that have several. */
  readonly #names = new Map<string, string[]>();

  constructor(directory: string) {
    using stack = new DisposableStack();
    this.directory = directory;
    this.root = stack.use(new RootDirectory(directory));
    this.files = new Map(listUpper(this.root).map(({ path, stat }) => [path, stat]));
    for (const [path, stat] of this.files) {
      if (stat.isDirectory() || stat.nlink === 1n) continue;
      const names = this.#names.get(inodeOf(stat));
      if (names === undefined) this.#names.set(inodeOf(stat), [path]);
      else names.push(path);
    }
    stack.move();
  }

  [Symbol.dispose](): void {
    this.root[Symbol.dispose]();
  }

  /** Of the file at a path. */
  namesOf(path: string): readonly string[] {
    const stat = this.files.get(path);
    return (stat === undefined || stat.isDirectory() ? undefined : this.#names.get(inodeOf(stat))) ?? [path];
  }

  isDirectory(path: string): boolean {
    return this.files.get(path)?.isDirectory() ?? false;
  }

  /**
   * Where something may have changed since a time: whoever changes, renames or links a file changes its ctime. What is in a
   * directory that was renamed has another path.
   */
  changedSince(timeNs: bigint): readonly string[] {
    const changed = new Set<string>();
    for (const [path, stat] of this.files) {
      const parent = parentPath(path);
      // The root cannot be renamed.
      if (stat.ctimeNs >= timeNs || (parent !== "" && changed.has(parent))) changed.add(path);
    }
    return [...changed];
  }
}

/** Tells files of a directory apart: subvolumes of btrfs, which can be in it, each count from the same number on. */
export function inodeOf({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`;
}

/** Of what is directly in the root, the empty one. */
export function parentPath(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf("/"), 0));
}
