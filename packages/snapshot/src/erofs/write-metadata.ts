import { constants } from "node:fs";
import { encodeBlock, FILE_TYPE } from "./directory-blocks.ts";
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
import { type Inode, type InodeSource, nidOf } from "./place-inodes.ts";

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
export function writeMetadata(files: ContentFiles, inodes: ReadonlyMap<InodeSource, Inode>): Metadata {
  const { image, blockBytes } = files;
  const describe = (source: InodeSource): { nid: number; type: number } => ({
    nid: nidOf(inodes.get(source)),
    type: FILE_TYPE[typeOf(source)],
  });
  const outside = new Map<Inode, number>();
  for (const inode of inodes.values()) {
    const { source, blocks, tailBytes } = inode;
    const whole = source.kind === "directory" ? blocks.slice(0, tailBytes > 0 ? -1 : undefined) : [];
    outside.set(inode, image.size / blockBytes);
    for (const block of whole) appendBlock(files, encodeBlock(block, describe));
    if (isLongLink(inode)) appendBlock(files, Buffer.from(linkTarget(inode)));
  }
  const block = image.size / blockBytes;
  let usesChunks = false;
  for (const inode of inodes.values()) {
    const { source, xattrs, blocks, tailBytes } = inode;
    image.appendZeros(block * blockBytes + inode.at);
    image.append(encodeInode(inode, outside.get(inode) ?? 0, blockBytes));
    image.append(xattrs);
    if (source.kind === "directory") {
      if (tailBytes > 0) image.append(encodeBlock(blocks.at(-1) ?? [], describe));
    } else if (source.type === "symlink") {
      if (tailBytes > 0) image.append(Buffer.from(source.target));
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

function appendBlock({ image, blockBytes }: ContentFiles, bytes: Buffer): void {
  image.append(bytes);
  image.appendZeros(alignUp(image.size, blockBytes));
}

function typeOf(source: InodeSource): keyof typeof FILE_TYPE {
  return source.kind === "directory" ? "directory" : source.type;
}

function isLongLink({ source, tailBytes }: Inode): boolean {
  return source.kind === "leaf" && source.type === "symlink" && tailBytes === 0 && source.target !== "";
}

function linkTarget({ source }: Inode): string {
  return source.kind === "leaf" ? source.target : "";
}

/** `block` is where the whole blocks of a directory are, or a long link. */
function encodeInode(inode: Inode, block: number, blockBytes: number): Buffer {
  const { source, xattrs, tailBytes, links } = inode;
  const { mode, uid, gid, mtime, mtimeNanoseconds } = source.attributes;
  const { layout, place } = dataOf(inode, block);
  const bytes = Buffer.alloc(INODE.sizeBytes);
  INODE.put(bytes, 0, {
    i_format: INODE_EXTENDED | ((tailBytes > 0 ? FLAT_INLINE : layout) << DATA_LAYOUT_SHIFT),
    i_xattr_icount: xattrs.length === 0 ? 0 : (xattrs.length - XATTR_HEADER_BYTES) / XATTR_UNIT_BYTES + 1,
    // Links have no permissions, and all file systems show them as having all.
    i_mode: MODE_TYPES[typeOf(source)] | (typeOf(source) === "symlink" ? 0o777 : mode),
    i_size: sizeOf(inode, blockBytes),
    i_u: place,
    i_ino: nidOf(inode) % 2 ** 32,
    i_uid: uid,
    i_gid: gid,
    i_mtime: mtime,
    i_mtime_nsec: mtimeNanoseconds,
    i_nlink: source.kind === "directory" ? 2 + subdirectories(inode) : links,
  });
  return bytes;
}

function subdirectories({ source }: Inode): number {
  if (source.kind !== "directory") return 0;
  return [...source.children.values()].filter(({ kind }) => kind === "directory").length;
}

function dataOf({ source }: Inode, block: number): { readonly layout: number; readonly place: number } {
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

function sizeOf({ source, blocks, tailBytes }: Inode, blockBytes: number): number {
  if (source.kind === "leaf") return source.type === "symlink" ? Buffer.byteLength(source.target) : source.size;
  return tailBytes > 0 ? (blocks.length - 1) * blockBytes + tailBytes : blocks.length * blockBytes;
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
