import { type BigIntStats, closeSync, constants, openSync, readlinkSync, readSync } from "node:fs";
import { type LayerEntry, type LayerEntryKind, OrlopError } from "@orlop/core";
import { withoutOverlays } from "../layer/overlay-xattrs.ts";
import { decodeDevice, fileType } from "./file-type.ts";
import type { FoundFile } from "./list-upper.ts";
import type { OpenPlace, RootDirectory } from "./root-directory.ts";
import { statAttributes } from "./stat-attributes.ts";

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
const READ_BYTES = 1 << 18;

interface FileDetails {
  readonly xattrs: ReadonlyMap<string, Buffer>;
  /** Another name of it, which the layer has before. */
  readonly first: string | undefined;
}

/**
 * A file of a directory as the entry of a layer. Whatever links the directory holds, nothing is read outside of it.
 *
 * @throws OrlopError `unsupported` for what a layer cannot say
 */
export function fileEntry(root: RootDirectory, { path, stat }: FoundFile, { xattrs, first }: FileDetails): LayerEntry {
  const kind = first === undefined ? kindOf(stat, path) : "hard-link";
  return {
    kind,
    path: path === "" ? "./" : path,
    ...statAttributes(stat),
    target: first ?? (kind === "symlink" ? readLink(root, path) : ""),
    size: kind === "file" ? Number(stat.size) : 0,
    device: decodeDevice(stat),
    xattrs: ownXattrs(xattrs, path),
    contentAt: undefined,
    content: () => readContent(root, path, Number(stat.size)),
  };
}

/** That nothing is to be seen at a path; the owner and the times are those of another file. */
export function whiteoutEntry(path: string, stat: BigIntStats): LayerEntry {
  return markerEntry({
    kind: "file",
    path: whiteoutPath(path),
    ...statAttributes(stat),
    target: "",
    size: 0,
    device: { major: 0, minor: 0 },
    xattrs: new Map(),
    contentAt: undefined,
    content: async function* () {},
  });
}

/** The name by which a layer says that nothing is at a path. */
export function whiteoutPath(path: string): string {
  checkName(path);
  const slash = path.lastIndexOf("/") + 1;
  return `${path.slice(0, slash)}.wh.${path.slice(slash)}`;
}

/** An empty file that says something by its name. */
export function markerEntry(entry: LayerEntry): LayerEntry {
  return { ...entry, kind: "file", mode: 0, xattrs: new Map(), size: 0, content: async function* () {} };
}

/** Files of this user are those of root to a container of his. */
export function withRootsOwner(entry: LayerEntry): LayerEntry {
  const { uid, gid } = entry;
  return { ...entry, uid: uid === process.geteuid?.() ? 0 : uid, gid: gid === process.getegid?.() ? 0 : gid };
}

/** Names that layers have for what is hidden cannot be those of files. */
export function checkName(path: string): void {
  if (!/(?:^|\/)\.wh\./.test(path)) return;
  throw new OrlopError("unsupported", `Cannot make layer: "${path}" would be taken for a whiteout`);
}

function kindOf(stat: BigIntStats, path: string): LayerEntryKind {
  checkName(path);
  return stat.isDirectory() ? "directory" : fileType(stat);
}

/** These say that content is elsewhere (overlayfs.rst, "redirect_dir", "Metadata only copy up"). */
const ELSEWHERE = /^(?:trusted|user)\.overlay\.(?:redirect|metacopy)$/;

/** Without those of overlay itself. */
export function ownXattrs(xattrs: ReadonlyMap<string, Buffer>, path: string): ReadonlyMap<string, Buffer> {
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

/** Where a symbolic link points. */
export function readLink(root: RootDirectory, path: string): string {
  const { parent, name } = openParent(root, path);
  using place = parent;
  return readlinkSync(`${place.path}/${name}`);
}

/** The content of a file of which so many bytes are expected. */
export async function* readContent(root: RootDirectory, path: string, size: number): AsyncGenerator<Buffer> {
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
