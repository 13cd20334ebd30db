import { join, relative } from "node:path";
import type { TreeEntry } from "@orlop/core";
import { canBeLayer, holdsFiles, isBelow, isVolatile, type MountPoint, mountOf } from "./mount-table.ts";

/** One entry of a directory of the host. */
export interface HostEntry {
  readonly name: string;
  readonly kind: "directory" | "file" | "symlink" | "other";
  /** Permission bits. */
  readonly mode: number;
  /** Of a link. */
  readonly target?: string;
}

export interface HostDirectories {
  /** The entries, sorted; `undefined` where this user may not look. */
  list(path: string): readonly HostEntry[] | undefined;
  /** Whether this user finds nothing there, or may not look; for what need not be taken apart. */
  isEmpty(path: string): boolean;
}

interface ComposeOptions {
  /** The directory to show. */
  readonly root: string;
  readonly mounts: readonly MountPoint[];
  readonly directories: HostDirectories;
  /** Names in `root` that become empty directories: the container has its own of these. */
  readonly emptied: readonly string[];
  /**
   * In a user namespace the mounts that came along are locked: overlay takes no directory that has any below it. Root
   * only needs to take apart what has files of another file system below it.
   */
  readonly locked: boolean;
}

/** A directory with more entries is bound read-only instead of being put together from them. */
const ENTRIES_MAX = 256;

/**
 * Shows a directory of the host, with the file systems mounted below it, as a tree: an overlay for each directory that
 * lies on one file system, so that it can be written to; directories above others put together entry by entry; and what
 * cannot be a layer bound read-only.
 */
export function composeRoot(options: ComposeOptions): readonly TreeEntry[] {
  return new Composition(options).entries();
}

class Composition {
  readonly #options: ComposeOptions;
  readonly #relevant: readonly MountPoint[];

  constructor(options: ComposeOptions) {
    this.#options = options;
    this.#relevant = options.locked ? options.mounts : options.mounts.filter(({ type }) => holdsFiles(type));
  }

  entries(): readonly TreeEntry[] {
    const { root, emptied, directories } = this.#options;
    const type = mountOf(root, this.#options.mounts)?.type ?? "";
    return (directories.list(root) ?? []).flatMap((entry): readonly TreeEntry[] => {
      if (emptied.includes(entry.name)) return [{ kind: "directory", path: entry.name, mode: 0o755 }];
      return this.#entry(join(root, entry.name), entry, type);
    });
  }

  #entry(path: string, entry: HostEntry, typeAbove: string): readonly TreeEntry[] {
    const name = relative(this.#options.root, path);
    switch (entry.kind) {
      case "symlink":
        return [{ kind: "symlink", path: name, target: entry.target ?? "" }];
      case "file":
        return [{ kind: "bind", path: name, source: path, file: true }];
      case "other":
        // A socket or device of the host is no part of what it has stored.
        return [];
      case "directory":
        return this.#directory(path, name, entry.mode, typeAbove);
    }
  }

  #directory(path: string, name: string, mode: number, typeAbove: string): readonly TreeEntry[] {
    const type = this.#options.mounts.find((mount) => mount.path === path)?.type ?? typeAbove;
    const empty: TreeEntry = { kind: "directory", path: name, mode };
    if (!holdsFiles(type)) return [empty];
    const { directories, root } = this.#options;
    // Whoever makes the container may not look into it, and nor may the container, which has its own instead.
    if (directories.isEmpty(path)) return [empty];
    const isParted = this.#relevant.some((mount) => isBelow(mount.path, path));
    // Programs mount in such places what is theirs for a while, and files come and go.
    if (isParted && isVolatile(path, root)) return [empty];
    const list = isParted ? (directories.list(path) ?? []) : [];
    if (isParted && list.length <= ENTRIES_MAX) {
      return [empty, ...list.flatMap((entry) => this.#entry(join(path, entry.name), entry, type))];
    }
    if (isParted || !canBeLayer(type)) return [{ kind: "bind", path: name, source: path, file: false }];
    return [{ kind: "overlay", path: name, lower: path }];
  }
}
