import { type BigIntStats, closeSync, constants, openSync, readlinkSync, readSync } from "node:fs";
import { type LayerEntry, type LayerEntryKind, OrlopError } from "@orlop/core";
import { isOpaque, withoutOverlays } from "../layer/overlay-xattrs.ts";
import { readXattrs } from "../system/read-xattrs.ts";
import type { SystemCalls } from "../system/system-calls.ts";
import { decodeDevice, fileType } from "./file-type.ts";
import { type FoundFile, listUpper } from "./list-upper.ts";
import { type OpenPlace, RootDirectory } from "./root-directory.ts";

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
const READ_BYTES = 1 << 18;
const NANOSECONDS = 1_000_000_000n;

interface UpperOptions {
  readonly system: SystemCalls;
  /** Path of a file that is not there, outside of the directory. */
  readonly scratch: string;
  /** An ordinary user's own files, which are those of root to a container of his. */
  readonly ownIsRoot?: boolean;
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
  const found = listUpper(root);
  const paths = found.map(({ path }) => (path === "" ? "." : path));
  const xattrs = await readXattrs(options.system, directory, paths, options.scratch);
  const links = new Map<string, string>();
  for (const { path, stat } of found) {
    const own = xattrs.get(path === "" ? "." : path) ?? new Map<string, Buffer>();
    const entry = describe(root, { path, stat }, own, links);
    yield options.ownIsRoot ? withRootsOwner(entry) : entry;
    if (entry.kind === "directory" && isOpaque(own))
      yield { ...marker(entry), path: path === "" ? ".wh..wh..opq" : `${path}/.wh..wh..opq` };
  }
}

function describe(
  root: RootDirectory,
  { path, stat }: FoundFile,
  xattrs: ReadonlyMap<string, Buffer>,
  links: Map<string, string>,
): LayerEntry {
  const inode = `${stat.dev}:${stat.ino}`;
  const first = stat.isDirectory() || stat.nlink === 1n ? undefined : links.get(inode);
  const isWhiteout = stat.isCharacterDevice() && stat.rdev === 0n;
  if (!stat.isDirectory() && !isWhiteout) links.set(inode, first ?? path);
  const kind = first === undefined ? kindOf(stat, path) : "hard-link";
  const entry: LayerEntry = {
    kind,
    path: path === "" ? "./" : path,
    mode: Number(stat.mode) & 0o7777,
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    mtime: Number(stat.mtimeNs / NANOSECONDS),
    mtimeNanoseconds: Number(stat.mtimeNs % NANOSECONDS),
    target: first ?? (kind === "symlink" ? readLink(root, path) : ""),
    size: kind === "file" ? Number(stat.size) : 0,
    device: decodeDevice(stat),
    xattrs: ownXattrs(xattrs, path),
    contentAt: 0,
    content: () => readContent(root, path, Number(stat.size)),
  };
  return isWhiteout ? { ...marker(entry), path: whiteoutPath(path) } : entry;
}

function kindOf(stat: BigIntStats, path: string): LayerEntryKind {
  if (/(?:^|\/)\.wh\./.test(path)) {
    throw new OrlopError("unsupported", `Cannot make layer: "${path}" would be taken for a whiteout`);
  }
  return stat.isDirectory() ? "directory" : fileType(stat);
}

function withRootsOwner(entry: LayerEntry): LayerEntry {
  const { uid, gid } = entry;
  return { ...entry, uid: uid === process.geteuid?.() ? 0 : uid, gid: gid === process.getegid?.() ? 0 : gid };
}

/** An empty file that says something by its name. */
function marker(entry: LayerEntry): LayerEntry {
  return { ...entry, kind: "file", mode: 0, xattrs: new Map(), size: 0, content: async function* () {} };
}

function whiteoutPath(path: string): string {
  const slash = path.lastIndexOf("/") + 1;
  return `${path.slice(0, slash)}.wh.${path.slice(slash)}`;
}

/** These say that content is elsewhere (overlayfs.rst, "redirect_dir", "Metadata only copy up"). */
const ELSEWHERE = /^(?:trusted|user)\.overlay\.(?:redirect|metacopy)$/;

function ownXattrs(xattrs: ReadonlyMap<string, Buffer>, path: string): ReadonlyMap<string, Buffer> {
  const elsewhere = [...xattrs.keys()].find((name) => ELSEWHERE.test(name));
  if (elsewhere !== undefined) {
    throw new OrlopError(
      "unsupported",
      `Cannot make layer: "${path}" has "${elsewhere}", its content is in another layer`,
    );
  }
  return withoutOverlays(xattrs);
}

function openParent(root: RootDirectory, path: string): { readonly parent: OpenPlace; readonly name: string } {
  const names = path.split("/");
  const name = names.pop() ?? "";
  let parent = root.open();
  for (const each of names) {
    const next = parent.openSubdirectory(each);
    parent[Symbol.dispose]();
    if (next === undefined) throw new OrlopError("conflict", `Cannot read "${path}": it has changed meanwhile`);
    parent = next;
  }
  return { parent, name };
}

function readLink(root: RootDirectory, path: string): string {
  const { parent, name } = openParent(root, path);
  using place = parent;
  return readlinkSync(`${place.path}/${name}`);
}

async function* readContent(root: RootDirectory, path: string, size: number): AsyncGenerator<Buffer> {
  const { parent, name } = openParent(root, path);
  using place = parent;
  const fd = openSync(`${place.path}/${name}`, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    for (let left = size; left > 0; ) {
      const chunk = Buffer.allocUnsafe(Math.min(left, READ_BYTES));
      const got = readSync(fd, chunk, 0, chunk.length, null);
      if (got === 0) throw new OrlopError("conflict", `Cannot read "${path}": it has become shorter meanwhile`);
      left -= got;
      yield chunk.subarray(0, got);
    }
  } finally {
    closeSync(fd);
  }
}
