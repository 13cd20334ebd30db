import { crc32c } from "./crc32c.ts";
import {
  BLOCK_BITS,
  BLOCK_BYTES,
  FEATURE_COMPAT_MTIME,
  FEATURE_COMPAT_SB_CHKSUM,
  FEATURE_INCOMPAT_CHUNKED_FILE,
  SUPERBLOCK,
  SUPERBLOCK_MAGIC,
  SUPERBLOCK_OFFSET,
} from "./erofs-format.ts";
import type { Inode, InodeSource } from "./place-inodes.ts";
import { type Metadata, nidOf } from "./write-metadata.ts";

/** The first block of an image of `sizeBytes`. */
export function encodeSuperblock(
  inodes: ReadonlyMap<InodeSource, Inode>,
  { block, usesChunks }: Metadata,
  root: Inode | undefined,
  sizeBytes: number,
): Buffer {
  const bytes = Buffer.alloc(BLOCK_BYTES);
  const put = (values: Parameters<typeof SUPERBLOCK.put>[2]): void => SUPERBLOCK.put(bytes, SUPERBLOCK_OFFSET, values);
  put({
    magic: SUPERBLOCK_MAGIC,
    feature_compat: FEATURE_COMPAT_SB_CHKSUM | FEATURE_COMPAT_MTIME,
    blkszbits: BLOCK_BITS,
    root_nid: nidOf(root),
    inos: inodes.size,
    blocks: sizeBytes / BLOCK_BYTES,
    meta_blkaddr: block,
    feature_incompat: usesChunks ? FEATURE_INCOMPAT_CHUNKED_FILE : 0,
  });
  // Of the whole block from the superblock on, itself counting as zero.
  put({ checksum: crc32c(0xffff_ffff, bytes.subarray(SUPERBLOCK_OFFSET)) });
  return bytes;
}
