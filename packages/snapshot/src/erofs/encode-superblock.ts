import { crc32c } from "./crc32c.ts";
import {
  alignUp,
  DEVICE_SLOT,
  FEATURE_COMPAT_MTIME,
  FEATURE_COMPAT_SB_CHKSUM,
  FEATURE_INCOMPAT_CHUNKED_FILE,
  FEATURE_INCOMPAT_DEVICE_TABLE,
  SUPERBLOCK,
  SUPERBLOCK_MAGIC,
  SUPERBLOCK_OFFSET,
} from "./erofs-format.ts";
import type { Metadata } from "./write-metadata.ts";

const DEVICE_SLOT_OFFSET = SUPERBLOCK_OFFSET + SUPERBLOCK.sizeBytes;

interface ImageFacts {
  readonly blockBytes: number;
  readonly metadata: Metadata;
  /** The number of its inode. */
  readonly root: number;
  readonly inodes: number;
  readonly sizeBytes: number;
  /** Of the archive that it is the index of. */
  readonly archiveBytes: number | undefined;
}

/** What stands in front of everything else: whole blocks. */
export function headerBytes(blockBytes: number): number {
  return alignUp(DEVICE_SLOT_OFFSET + DEVICE_SLOT.sizeBytes, blockBytes);
}

/** The first blocks of an image. */
export function encodeSuperblock({ blockBytes, metadata, root, inodes, sizeBytes, archiveBytes }: ImageFacts): Buffer {
  const bytes = Buffer.alloc(headerBytes(blockBytes));
  const put = (values: Parameters<typeof SUPERBLOCK.put>[2]): void => SUPERBLOCK.put(bytes, SUPERBLOCK_OFFSET, values);
  const blocks = sizeBytes / blockBytes;
  put({
    magic: SUPERBLOCK_MAGIC,
    feature_compat: FEATURE_COMPAT_SB_CHKSUM | FEATURE_COMPAT_MTIME,
    blkszbits: Math.log2(blockBytes),
    root_nid: root,
    inos: inodes,
    blocks,
    meta_blkaddr: metadata.block,
    feature_incompat: metadata.usesChunks ? FEATURE_INCOMPAT_CHUNKED_FILE : 0,
  });
  if (archiveBytes !== undefined) {
    put({
      feature_incompat: FEATURE_INCOMPAT_CHUNKED_FILE | FEATURE_INCOMPAT_DEVICE_TABLE,
      extra_devices: 1,
      devt_slotoff: DEVICE_SLOT_OFFSET / DEVICE_SLOT.sizeBytes,
    });
    // Behind the image, so that the two make one image put together, too.
    DEVICE_SLOT.put(bytes, DEVICE_SLOT_OFFSET, { blocks: archiveBytes / blockBytes, uniaddr: blocks });
  }
  // From the superblock to the end of its page, or for smaller blocks so much as one has, itself counting as zero.
  put({ checksum: crc32c(0xffff_ffff, bytes.subarray(SUPERBLOCK_OFFSET)) });
  return bytes;
}
