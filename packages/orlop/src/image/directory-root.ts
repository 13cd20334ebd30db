import { type Dirent, lstatSync, opendirSync, readdirSync, readlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Mount } from "@orlop/core";
import { composeRoot, type HostDirectories, type HostEntry } from "./compose-root.ts";
import type { ImageRoot } from "./image.ts";
import {
  canBeLayer,
  holdsFiles,
  isBelow,
  isVolatile,
  type MountPoint,
  mountOf,
  readMountTable,
} from "./mount-table.ts";

interface DirectoryRootOptions {
  /** Absolute, without links. */
  readonly path: string;
  /** The container will be in a user namespace, where what is mounted is locked. */
  readonly locked: boolean;
  /** Names in the directory that become empty directories. */
  readonly emptied: readonly string[];
}

/** Mounts that nobody writes to in a container; shown read-only so that they do not make it slower. */
const SELDOM_WRITTEN = /^\/(boot|efi|media|snap)(\/|$)/;

/**
 * A directory of this machine as a root file system whose writes are thrown away, with everything that is mounted below
 * it. One overlay where that will do; a tree of them where parts are mounted separately.
 */
export function directoryRoot(options: DirectoryRootOptions): ImageRoot {
  const { path, locked, emptied } = options;
  const mounts = readMountTable();
  const below = mounts.filter((mount) => isBelow(mount.path, path) && !isEmptied(mount.path, path, emptied));
  const shown = below.filter((mount) => holdsFiles(mount.type) && !isVolatile(dirname(mount.path), path));
  const parted = locked ? mounts.some((mount) => isBelow(mount.path, path)) : shown.some((mount) => !bindable(mount));
  if (parted || !canBeLayer(mountOf(path, mounts)?.type ?? "")) {
    const entries = composeRoot({ root: path, mounts, directories: hostDirectories, emptied, locked });
    return { rootfs: { kind: "tree", entries }, mounts: [] };
  }
  return {
    rootfs: { kind: "overlay", lower: [path], writes: "discard" },
    mounts: [...shown.map((mount) => readonlyBind(mount.path, path)), ...emptied.flatMap(emptyDirectory)],
  };
}

/** Places of an overlay that every container has a mount at anyway. */
const MOUNTED: ReadonlySet<string> = new Set(["dev", "proc", "sys"]);

function emptyDirectory(name: string): readonly Mount[] {
  if (MOUNTED.has(name)) return [];
  return [{ destination: `/${name}`, type: "tmpfs", source: "tmpfs", options: ["nosuid", "nodev", "mode=755"] }];
}

function isEmptied(path: string, root: string, emptied: readonly string[]): boolean {
  return emptied.some((name) => path === join(root, name) || isBelow(path, join(root, name)));
}

function bindable(mount: MountPoint): boolean {
  return mount.readonly || SELDOM_WRITTEN.test(mount.path);
}

function readonlyBind(source: string, root: string): Mount {
  const destination = root === "/" ? source : source.slice(root.length);
  return { destination, type: "bind", source, options: ["bind", "ro", "nosuid", "nodev", "rprivate"] };
}

/** A directory's entries as the host has them. */
export const hostDirectories: HostDirectories = {
  list(path) {
    let found: Dirent[];
    try {
      found = readdirSync(path, { withFileTypes: true });
    } catch {
      return undefined;
    }
    return found.flatMap((each) => describe(path, each.name)).sort((a, b) => (a.name < b.name ? -1 : 1));
  },
  isEmpty(path) {
    try {
      using directory = opendirSync(path);
      return directory.readSync() === null;
    } catch {
      return true;
    }
  },
};

function describe(directory: string, name: string): readonly HostEntry[] {
  const path = join(directory, name);
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return [];
  const mode = stat.mode & 0o7777;
  if (stat.isSymbolicLink()) return describeLink(path, { name, kind: "symlink", mode });
  return [{ name, kind: stat.isDirectory() ? "directory" : stat.isFile() ? "file" : "other", mode }];
}

function describeLink(path: string, entry: HostEntry): readonly HostEntry[] {
  try {
    return [{ ...entry, target: readlinkSync(path) }];
  } catch (error) {
    // Gone or replaced since it was looked at.
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "EINVAL") return [];
    throw error;
  }
}
