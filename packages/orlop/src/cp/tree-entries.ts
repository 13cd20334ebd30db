import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
} from "node:fs";
import { type LayerEntryKind, OrlopError } from "@orlop/core";
import type { TarEntry } from "@orlop/image";
import type { OpenPlace } from "@orlop/snapshot/root-directory";

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
const READ_BYTES = 1 << 18;
const NANOSECONDS = 1_000_000_000n;

interface TreeOptions {
  /** Path of the tree in the result; empty: its content lies at the top. */
  readonly name: string;
  /** An ordinary user's own files, which are those of root to a container of his. */
  readonly ownIsRoot?: boolean;
  /** Paths at which something else is mounted: there is an empty directory or file instead. */
  readonly covered?: ReadonlySet<string>;
  /** Extended attributes by the paths. */
  readonly xattrs?: ReadonlyMap<string, ReadonlyMap<string, Buffer>>;
}

/**
 * A directory with all that is in it, or a single file, as entries of an archive: directories before what is in them, names
 * in the order of their bytes. Nothing outside is looked at, whatever links there are and whoever changes them meanwhile.
 * Sockets are left out.
 *
 * @param parent where it is
 * @param name in there; empty: the directory itself
 */
export async function* treeEntries(parent: OpenPlace, name: string, options: TreeOptions): AsyncGenerator<TarEntry> {
  const links = new Map<string, string>();
  const context: Walk = { ...options, links };
  if (name === "") yield* directoryEntries(parent, context, options.name);
  else yield* entriesOf(parent, name, context, options.name);
}

interface Walk extends TreeOptions {
  /** Paths in the result by the inode, of files with several names. */
  readonly links: Map<string, string>;
}

async function* entriesOf(parent: OpenPlace, name: string, walk: Walk, path: string): AsyncGenerator<TarEntry> {
  using directory = parent.openSubdirectory(name);
  if (walk.covered?.has(path) === true) {
    yield directory === undefined ? { kind: "file", path, mode: 0o644 } : { kind: "directory", path, mode: 0o755 };
    return;
  }
  if (directory !== undefined) {
    yield* directoryEntries(directory, walk, path);
    return;
  }
  const stat = lstatSync(`${parent.path}/${name}`, { bigint: true, throwIfNoEntry: false });
  if (stat === undefined || stat.isSocket()) return;
  yield* leafEntry(parent, name, stat, walk, path);
}

async function* directoryEntries(directory: OpenPlace, walk: Walk, path: string): AsyncGenerator<TarEntry> {
  const own = attributes(fstatSync(directory.fd, { bigint: true }), walk, path || ".");
  yield { ...own, kind: "directory", path: path || "." };
  const names = readdirSync(directory.path).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  for (const name of names) yield* entriesOf(directory, name, walk, path === "" ? name : `${path}/${name}`);
}

async function* leafEntry(
  parent: OpenPlace,
  name: string,
  stat: BigIntStats,
  walk: Walk,
  path: string,
): AsyncGenerator<TarEntry> {
  const known = { ...attributes(stat, walk, path), path };
  const inode = `${stat.dev}:${stat.ino}`;
  const first = stat.nlink > 1n ? walk.links.get(inode) : undefined;
  if (first !== undefined) {
    yield { ...known, kind: "hard-link", target: first };
    return;
  }
  walk.links.set(inode, path);
  if (!stat.isFile()) {
    const target = stat.isSymbolicLink() ? readlinkSync(`${parent.path}/${name}`) : "";
    yield { ...known, kind: specialKind(stat, path), target, device: deviceOf(stat) };
    return;
  }
  const fd = openSync(`${parent.path}/${name}`, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const opened = fstatSync(fd, { bigint: true });
    if (!opened.isFile()) throw new OrlopError("conflict", `Cannot read "${path}": it has changed meanwhile`);
    const size = Number(opened.size);
    yield { ...known, kind: "file", size, content: () => readContent(fd, size, path) };
  } finally {
    closeSync(fd);
  }
}

function attributes(
  stat: BigIntStats,
  { ownIsRoot = false, xattrs }: Walk,
  path: string,
): Pick<TarEntry, "mode" | "uid" | "gid" | "mtime" | "xattrs"> {
  const owner = (id: bigint, own: number | undefined): number => (ownIsRoot && Number(id) === own ? 0 : Number(id));
  const own = xattrs?.get(path);
  return {
    mode: Number(stat.mode) & 0o7777,
    uid: owner(stat.uid, process.geteuid?.()),
    gid: owner(stat.gid, process.getegid?.()),
    mtime: Number(stat.mtimeNs / NANOSECONDS),
    ...(own === undefined ? {} : { xattrs: own }),
  };
}

function specialKind(stat: BigIntStats, path: string): LayerEntryKind {
  if (stat.isSymbolicLink()) return "symlink";
  if (stat.isFIFO()) return "fifo";
  if (stat.isCharacterDevice()) return "character-device";
  if (stat.isBlockDevice()) return "block-device";
  throw new OrlopError("unsupported", `Cannot copy "${path}": no archive has files of its kind`);
}

/** gnu_dev_major(3). */
function deviceOf(stat: BigIntStats): { readonly major: number; readonly minor: number } {
  const device = stat.isCharacterDevice() || stat.isBlockDevice() ? Number(stat.rdev) : 0;
  return { major: (device >>> 8) & 0xfff, minor: (device & 0xff) | ((device >>> 12) & 0xfff00) };
}

/** As much as there was when it was opened: what is appended meanwhile is left out. */
function* readContent(fd: number, size: number, path: string): Generator<Buffer> {
  for (let left = size; left > 0; ) {
    const chunk = Buffer.allocUnsafe(Math.min(left, READ_BYTES));
    const got = readSync(fd, chunk, 0, chunk.length, null);
    if (got === 0) throw new OrlopError("conflict", `Cannot read "${path}": it has become shorter meanwhile`);
    left -= got;
    yield chunk.subarray(0, got);
  }
}
