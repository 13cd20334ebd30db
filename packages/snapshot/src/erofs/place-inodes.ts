import type { Directory, Leaf } from "../layer/tree-node.ts";
import { type DirectoryEntry, splitIntoBlocks, usedBytes } from "./directory-blocks.ts";
import { encodeOpaque, encodeXattrs } from "./encode-xattrs.ts";
import { alignUp, CHUNK_ADDRESS_BYTES, CHUNK_INDEX, INODE, INODE_SLOT_BYTES } from "./erofs-format.ts";
import { chunksIn, type FileContent } from "./file-content.ts";

type FileLeaf = Leaf<FileContent>;
export type InodeSource = Directory | FileLeaf;

/** An inode with its place in the metadata. */
export interface Inode {
  readonly source: InodeSource;
  readonly xattrs: Buffer;
  /** Of a directory. */
  readonly blocks: readonly (readonly DirectoryEntry<InodeSource>[])[];
  /** What follows the inode and its attributes within the same block. */
  readonly tailBytes: number;
  /** Bytes from the start of the metadata. */
  readonly at: number;
  /** Names that it has. */
  links: number;
}

/** All whiteouts are one device. */
const WHITEOUT: FileLeaf = {
  kind: "leaf",
  type: "character-device",
  attributes: { mode: 0, uid: 0, gid: 0, mtime: 0, mtimeNanoseconds: 0, xattrs: new Map() },
  target: "",
  device: { major: 0, minor: 0 },
  size: 0,
  content: { kind: "empty" },
};

/** No inode has the number 0, which programs take for none. */
const FIRST = 2 * INODE_SLOT_BYTES;

/** Places every inode that can be reached from the root, which comes first, each once. */
export function placeInodes(root: Directory, blockBytes: number): ReadonlyMap<InodeSource, Inode> {
  const inodes = new Map<InodeSource, Inode>();
  let end = FIRST;
  const place = (source: InodeSource, path: string, blocks: Inode["blocks"] = []): void => {
    const known = inodes.get(source);
    if (known !== undefined) {
      known.links++;
      return;
    }
    const { xattrs: own } = source.attributes;
    const isOpaque = source.kind === "directory" && source.opaque && source !== root;
    const xattrs = isOpaque ? encodeOpaque(own, path) : encodeXattrs(own, path);
    const headBytes = INODE.sizeBytes + xattrs.length;
    const tailBytes = tailOf(source, blocks, blockBytes - headBytes);
    const at = nextPlace(end, headBytes, tailBytes, blockBytes);
    inodes.set(source, { source, xattrs, blocks, tailBytes, at, links: 1 });
    end = endOfAddresses(source, at + headBytes + tailBytes);
  };
  // Not by recursion: links can make trees deeper than any path.
  const waiting: { readonly directory: Directory; readonly path: string }[] = [{ directory: root, path: "/" }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { directory, path } = next;
    const children = childrenOf(directory);
    place(directory, path, splitIntoBlocks(children, blockBytes));
    for (const { name, node } of children.slice(2)) {
      const below = `${path}${name}`;
      if (node.kind === "leaf") place(node, below);
      else waiting.push({ directory: node, path: `${below}/` });
    }
  }
  return inodes;
}

/** Itself and the directory above come first. */
function childrenOf(directory: Directory): readonly DirectoryEntry<InodeSource>[] {
  const entries: DirectoryEntry<InodeSource>[] = [
    { name: Buffer.from("."), node: directory },
    { name: Buffer.from(".."), node: directory.parent ?? directory },
  ];
  for (const [name, node] of directory.children) {
    entries.push({ name: Buffer.from(name), node: node.kind === "whiteout" ? WHITEOUT : (node as InodeSource) });
  }
  return entries;
}

function tailOf(source: InodeSource, blocks: Inode["blocks"], roomBytes: number): number {
  if (source.kind === "directory") {
    const last = usedBytes(blocks.at(-1) ?? []);
    return last <= roomBytes ? last : 0;
  }
  if (source.type === "symlink") {
    const length = Buffer.byteLength(source.target);
    return length <= roomBytes ? length : 0;
  }
  return source.content.kind === "inline" ? source.content.tailBytes : 0;
}

/** `end` is that of what stands in front of addresses of chunks. */
function endOfAddresses(source: InodeSource, end: number): number {
  if (source.kind !== "leaf") return end;
  const { content, size } = source;
  if (content.kind === "chunked") return end + content.addresses.length * CHUNK_ADDRESS_BYTES;
  if (content.kind !== "archived") return end;
  return alignUp(end, CHUNK_INDEX.sizeBytes) + chunksIn(size).count * CHUNK_INDEX.sizeBytes;
}

/** The inode itself does not cross into another block, and nor does a tail. */
function nextPlace(end: number, headBytes: number, tailBytes: number, blockBytes: number): number {
  const at = alignUp(end, INODE_SLOT_BYTES);
  const inBlock = at % blockBytes;
  const within = tailBytes > 0 ? headBytes + tailBytes : INODE.sizeBytes;
  return inBlock + within <= blockBytes ? at : alignUp(at, blockBytes);
}

/** The number by which directories and the superblock name an inode. */
export function nidOf(inode: Inode | undefined): number {
  return (inode?.at ?? 0) / INODE_SLOT_BYTES;
}
