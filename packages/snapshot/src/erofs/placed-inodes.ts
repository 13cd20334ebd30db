import type { Directory, Leaf, TreeNode } from "../layer/tree-node.ts";
import { type DirectoryBlock, sortedNames, splitIntoBlocks } from "./directory-blocks.ts";
import { encodeOpaque, encodeXattrs } from "./encode-xattrs.ts";
import { alignUp, CHUNK_ADDRESS_BYTES, CHUNK_INDEX, INODE, INODE_SLOT_BYTES } from "./erofs-format.ts";
import { chunksIn, type FileContent } from "./file-content.ts";

type FileLeaf = Leaf<FileContent>;
export type InodeSource = Directory | FileLeaf;

/** The names of a directory, and how they are split into blocks. */
export interface DirectoryNames {
  readonly names: readonly string[];
  readonly blocks: readonly DirectoryBlock[];
}

/** All whiteouts of an image are one device. */
const WHITEOUT: Omit<FileLeaf, "index"> = {
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

/**
 * Every inode that can be reached from the root, which comes first, each once, with its place in the metadata. In columns: a
 * layer can have millions of them.
 */
export class PlacedInodes {
  readonly #blockBytes: number;
  readonly #whiteout: FileLeaf = { ...WHITEOUT, index: 0 };
  readonly #sources: InodeSource[] = [];
  /** The numbers by which directories and the superblock name them. */
  readonly #nids: number[] = [];
  readonly #tailBytes: number[] = [];
  readonly #links: number[] = [];
  readonly #directories = new Map<number, DirectoryNames>();
  #end = FIRST;

  constructor(root: Directory, blockBytes: number) {
    this.#blockBytes = blockBytes;
    // Not by recursion: links can make trees deeper than any path.
    const waiting: { readonly directory: Directory; readonly path: string }[] = [{ directory: root, path: "/" }];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const { directory, path } = next;
      const names = sortedNames(directory.children.keys());
      const blocks = splitIntoBlocks(names, blockBytes);
      this.#place(directory, path, { names, blocks });
      for (const name of directory.children.keys()) {
        const below = `${path}${name}`;
        const node = this.child(directory, name);
        if (node.kind === "leaf") this.#place(node, below);
        else waiting.push({ directory: node, path: `${below}/` });
      }
    }
  }

  get count(): number {
    return this.#sources.length;
  }

  /** The first one is the root. */
  source(index: number): InodeSource {
    return this.#sources[index] as InodeSource;
  }

  /** What has this name in a directory. */
  child(directory: Directory, name: string): InodeSource {
    if (name === ".") return directory;
    if (name === "..") return directory.parent ?? directory;
    const node = directory.children.get(name) as TreeNode<unknown>;
    return node.kind === "whiteout" ? this.#whiteout : (node as InodeSource);
  }

  nid(index: number): number {
    return this.#nids[index] ?? 0;
  }

  /** Bytes from the start of the metadata. */
  at(index: number): number {
    return this.nid(index) * INODE_SLOT_BYTES;
  }

  /** What follows the inode and its attributes within the same block. */
  tailBytes(index: number): number {
    return this.#tailBytes[index] ?? 0;
  }

  /** Names that it has. */
  links(index: number): number {
    return this.#links[index] ?? 0;
  }

  names(index: number): DirectoryNames {
    return this.#directories.get(index) ?? NO_NAMES;
  }

  xattrs(index: number, path = ""): Buffer {
    const source = this.source(index);
    const isOpaque = source.kind === "directory" && source.opaque && index > 0;
    return (isOpaque ? encodeOpaque : encodeXattrs)(source.attributes.xattrs, path);
  }

  #place(source: InodeSource, path: string, directory?: DirectoryNames): void {
    const known = source.index;
    if (this.#sources[known] === source) {
      this.#links[known] = this.links(known) + 1;
      return;
    }
    const index = this.#sources.push(source) - 1;
    source.index = index;
    if (directory !== undefined) this.#directories.set(index, directory);
    const blockBytes = this.#blockBytes;
    const headBytes = INODE.sizeBytes + this.xattrs(index, path).length;
    const tailBytes = tailOf(source, directory?.blocks.at(-1)?.bytes ?? 0, blockBytes - headBytes);
    const at = nextPlace(this.#end, headBytes, tailBytes, blockBytes);
    this.#nids.push(at / INODE_SLOT_BYTES);
    this.#tailBytes.push(tailBytes);
    this.#links.push(1);
    this.#end = endOfAddresses(source, at + headBytes + tailBytes);
  }
}

const NO_NAMES: DirectoryNames = { names: [], blocks: [] };

/** `lastBytes` is what the last block of a directory has. */
function tailOf(source: InodeSource, lastBytes: number, roomBytes: number): number {
  if (source.kind === "directory") return lastBytes <= roomBytes ? lastBytes : 0;
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
