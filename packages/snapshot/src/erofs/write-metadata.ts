import { constants } from "node:fs";
import type { Directory, Leaf } from "../layer/tree-node.ts";
import { type DirectoryBlock, encodeBlock, FILE_TYPE } from "./directory-blocks.ts";
import {
  alignUp,
  CHUNK_ADDRESS_BYTES,
  CHUNK_BASED,
  CHUNK_INDEX,
  CHUNK_INDEXES,
  DATA_LAYOUT_SHIFT,
  DEVICE_FIRST,
  FLAT_INLINE,
  FLAT_PLAIN,
  INODE,
  INODE_EXTENDED,
  XATTR_HEADER_BYTES,
  XATTR_UNIT_BYTES,
} from "./erofs-format.ts";
import { type ContentFiles, chunksIn } from "./file-content.ts";
import type { DirectoryNames, InodeSource, PlacedInodes } from "./placed-inodes.ts";

const MODE_TYPES: Readonly<Record<keyof typeof FILE_TYPE, number>> = {
  file: constants.S_IFREG,
  directory: constants.S_IFDIR,
  "character-device": constants.S_IFCHR,
  "block-device": constants.S_IFBLK,
  fifo: constants.S_IFIFO,
  symlink: constants.S_IFLNK,
};

export interface Metadata {
  /** Its first block. */
  readonly block: number;
  readonly usesChunks: boolean;
}

/** Appends the blocks of directories and long links, then all inodes with what stands behind them. */
export function writeMetadata(files: ContentFiles, inodes: PlacedInodes): Metadata {
  const { image, blockBytes } = files;
  const blockOf = (directory: Directory, { names }: DirectoryNames, block: DirectoryBlock): Buffer =>
    encodeBlock(names, block, (name) => {
      const child = inodes.child(directory, name);
      return { nid: inodes.nid(child.index), type: FILE_TYPE[typeOf(child)] };
    });
  let outside = image.size / blockBytes;
  for (let index = 0; index < inodes.count; index++) {
    const source = inodes.source(index);
    if (source.kind === "directory") {
      const own = inodes.names(index);
      for (let block = 0; block < wholeBlocks(inodes, index); block++) {
        appendBlock(files, blockOf(source, own, own.blocks[block] as DirectoryBlock));
      }
    } else if (isLongLink(source, inodes.tailBytes(index))) appendBlock(files, Buffer.from(source.target));
  }
  const block = image.size / blockBytes;
  let usesChunks = false;
  for (let index = 0; index < inodes.count; index++) {
    const source = inodes.source(index);
    const tailBytes = inodes.tailBytes(index);
    image.appendZeros(block * blockBytes + inodes.at(index));
    image.append(encodeInode(inodes, index, { block: outside, blockBytes }));
    image.append(inodes.xattrs(index));
    if (source.kind === "directory") {
      const own = inodes.names(index);
      if (tailBytes > 0) image.append(blockOf(source, own, own.blocks.at(-1) as DirectoryBlock));
      outside += wholeBlocks(inodes, index);
    } else if (source.type === "symlink") {
      if (tailBytes > 0) image.append(Buffer.from(source.target));
      else outside += alignUp(Buffer.byteLength(source.target), blockBytes) / blockBytes;
    } else if (source.content.kind === "inline") {
      image.append(files.spool.read(source.content.spoolAt, tailBytes));
    } else if (source.content.kind === "chunked") {
      usesChunks = true;
      image.append(encodeAddresses(source.content.addresses));
    } else if (source.content.kind === "archived") {
      image.appendZeros(alignUp(image.size, CHUNK_INDEX.sizeBytes));
      image.append(encodeIndexes(source.content.block, source.size));
    }
  }
  image.appendZeros(alignUp(image.size, blockBytes));
  return { block, usesChunks };
}

/** Of a directory, those that do not stand behind its inode. */
function wholeBlocks(inodes: PlacedInodes, index: number): number {
  return inodes.names(index).blocks.length - (inodes.tailBytes(index) > 0 ? 1 : 0);
}

function appendBlock({ image, blockBytes }: ContentFiles, bytes: Buffer): void {
  image.append(bytes);
  image.appendZeros(alignUp(image.size, blockBytes));
}

function typeOf(source: InodeSource): keyof typeof FILE_TYPE {
  return source.kind === "directory" ? "directory" : source.type;
}

function isLongLink({ type, target }: Leaf<unknown>, tailBytes: number): boolean {
  return type === "symlink" && tailBytes === 0 && target !== "";
}

/** Each inode before it is appended: all of it is written anew. */
const INODE_BYTES: Buffer = Buffer.alloc(INODE.sizeBytes);

interface InodePlace {
  /** Where the whole blocks of a directory are, or a long link. */
  readonly block: number;
  readonly blockBytes: number;
}

function encodeInode(inodes: PlacedInodes, index: number, { block, blockBytes }: InodePlace): Buffer {
  const source = inodes.source(index);
  const tailBytes = inodes.tailBytes(index);
  const xattrs = inodes.xattrs(index);
  const { mode, uid, gid, mtime, mtimeNanoseconds } = source.attributes;
  const { layout, place } = dataOf(source, block);
  const bytes = INODE_BYTES;
  INODE.put(bytes, 0, {
    i_format: INODE_EXTENDED | ((tailBytes > 0 ? FLAT_INLINE : layout) << DATA_LAYOUT_SHIFT),
    i_xattr_icount: xattrs.length === 0 ? 0 : (xattrs.length - XATTR_HEADER_BYTES) / XATTR_UNIT_BYTES + 1,
    // Links have no permissions, and all file systems show them as having all.
    i_mode: MODE_TYPES[typeOf(source)] | (typeOf(source) === "symlink" ? 0o777 : mode),
    i_size: source.kind === "directory" ? directoryBytes(inodes, index, blockBytes) : leafBytes(source),
    i_u: place,
    i_ino: inodes.nid(index) % 2 ** 32,
    i_uid: uid,
    i_gid: gid,
    i_mtime: mtime,
    i_mtime_nsec: mtimeNanoseconds,
    i_nlink: source.kind === "directory" ? 2 + subdirectories(source) : inodes.links(index),
  });
  return bytes;
}

function subdirectories({ children }: Directory): number {
  let count = 0;
  for (const { kind } of children.values()) if (kind === "directory") count++;
  return count;
}

function dataOf(source: InodeSource, block: number): { readonly layout: number; readonly place: number } {
  if (source.kind === "directory" || source.type === "symlink") return { layout: FLAT_PLAIN, place: block };
  const { content, device, size } = source;
  switch (content.kind) {
    case "plain":
    case "inline":
      return { layout: FLAT_PLAIN, place: content.block };
    case "chunked":
      return { layout: CHUNK_BASED, place: content.bits };
    case "archived":
      return { layout: CHUNK_BASED, place: chunksIn(size).bits | CHUNK_INDEXES };
    case "empty":
      return { layout: FLAT_PLAIN, place: encodeDevice(device) };
  }
}

function leafBytes({ type, target, size }: Leaf<unknown>): number {
  return type === "symlink" ? Buffer.byteLength(target) : size;
}

function directoryBytes(inodes: PlacedInodes, index: number, blockBytes: number): number {
  return wholeBlocks(inodes, index) * blockBytes + inodes.tailBytes(index);
}

/** new_encode_dev() of Linux. */
function encodeDevice({ major, minor }: { readonly major: number; readonly minor: number }): number {
  return ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) << 12)) >>> 0;
}

function encodeAddresses(addresses: readonly number[]): Buffer {
  const bytes = Buffer.alloc(addresses.length * CHUNK_ADDRESS_BYTES);
  for (const [index, address] of addresses.entries()) bytes.writeUInt32LE(address, index * CHUNK_ADDRESS_BYTES);
  return bytes;
}

/** Of a file that is in the archive, from a block on. */
function encodeIndexes(block: number, size: number): Buffer {
  const { count, bits } = chunksIn(size);
  const bytes = Buffer.alloc(count * CHUNK_INDEX.sizeBytes);
  for (let index = 0; index < count; index++) {
    const startblk_lo = block + index * 2 ** bits;
    CHUNK_INDEX.put(bytes, index * CHUNK_INDEX.sizeBytes, { device_id: DEVICE_FIRST, startblk_lo });
  }
  return bytes;
}
