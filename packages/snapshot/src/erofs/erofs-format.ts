/** The structures of EROFS that are written here: fs/erofs/erofs_fs.h of Linux. */
import { type DiskLayout, diskLayout } from "./disk-layout.ts";

/** Blocks of an image with all that is in its files: the page's, as others need Linux 6.4. */
export const BLOCK_BYTES = 4096;
/** Of an index of a tar archive, in whose blocks the content of files begins. */
export const INDEX_BLOCK_BYTES = 512;

/** struct erofs_super_block lies at this offset. */
export const SUPERBLOCK_OFFSET = 1024;
export const SUPERBLOCK_MAGIC = 0xe0f5e1e2;

type SuperblockField =
  | ("magic" | "checksum" | "feature_compat" | "blkszbits" | "sb_extslots" | "root_nid" | "inos")
  | ("build_time" | "build_time_nsec" | "blocks" | "meta_blkaddr" | "xattr_blkaddr" | "uuid" | "volume_name")
  | ("feature_incompat" | "available_compr_algs" | "extra_devices" | "devt_slotoff" | "dirblkbits")
  | ("xattr_prefix_count" | "xattr_prefix_start" | "packed_nid" | "xattr_filter_reserved");

export const SUPERBLOCK: DiskLayout<SuperblockField> = diskLayout("erofs_super_block", 128, [
  ["magic", 4],
  ["checksum", 4],
  ["feature_compat", 4],
  ["blkszbits", 1],
  ["sb_extslots", 1],
  ["root_nid", 2],
  ["inos", 8],
  ["build_time", 8],
  ["build_time_nsec", 4],
  ["blocks", 4],
  ["meta_blkaddr", 4],
  ["xattr_blkaddr", 4],
  ["uuid", 16],
  ["volume_name", 16],
  ["feature_incompat", 4],
  ["available_compr_algs", 2],
  ["extra_devices", 2],
  ["devt_slotoff", 2],
  ["dirblkbits", 1],
  ["xattr_prefix_count", 1],
  ["xattr_prefix_start", 4],
  ["packed_nid", 8],
  ["xattr_filter_reserved", 1],
  ["_", 23],
]);

export const FEATURE_COMPAT_SB_CHKSUM = 1;
export const FEATURE_COMPAT_MTIME = 2;
export const FEATURE_INCOMPAT_CHUNKED_FILE = 4;
export const FEATURE_INCOMPAT_DEVICE_TABLE = 8;

/** struct erofs_deviceslot: a further device, by what it is told from others, its blocks, and where they would follow the image's. */
export const DEVICE_SLOT: DiskLayout<"blocks" | "uniaddr"> = diskLayout("erofs_deviceslot", 128, [
  ["_", 64],
  ["blocks", 4],
  ["uniaddr", 4],
  ["_", 56],
]);

/** Inodes lie at multiples of this; a nid is the number of such slots from the first block of metadata on. */
export const INODE_SLOT_BYTES = 32;

type InodeField =
  | ("i_format" | "i_xattr_icount" | "i_mode" | "i_size" | "i_u" | "i_ino" | "i_uid" | "i_gid")
  | ("i_mtime" | "i_mtime_nsec" | "i_nlink");

/** struct erofs_inode_extended: of the two forms the one that has a time of its own. */
export const INODE: DiskLayout<InodeField> = diskLayout("erofs_inode_extended", 64, [
  ["i_format", 2],
  ["i_xattr_icount", 2],
  ["i_mode", 2],
  ["_", 2],
  ["i_size", 8],
  ["i_u", 4],
  ["i_ino", 4],
  ["i_uid", 4],
  ["i_gid", 4],
  ["i_mtime", 8],
  ["i_mtime_nsec", 4],
  ["i_nlink", 4],
  ["_", 16],
]);

/** Bits of i_format: the extended form, and where the data is. */
export const INODE_EXTENDED = 1;
export const DATA_LAYOUT_SHIFT = 1;
/** Block after block from `i_u` on. */
export const FLAT_PLAIN = 0;
/** The same, but what is left after the last full block stands behind the inode, within one block. */
export const FLAT_INLINE = 2;
/** A block address for each chunk stands behind the inode; `i_u` has the log2 of the blocks in a chunk. */
export const CHUNK_BASED = 4;
export const CHUNK_ADDRESS_BYTES = 4;
/** Of `i_u`: the log2, and that there are indexes instead of addresses, with a device each, from a multiple of their size on. */
export const CHUNK_BITS_MASK = 0x1f;
export const CHUNK_INDEXES = 0x20;
/** struct erofs_inode_chunk_index. */
export const CHUNK_INDEX: DiskLayout<"startblk_hi" | "device_id" | "startblk_lo"> = diskLayout(
  "erofs_inode_chunk_index",
  8,
  [
    ["startblk_hi", 2],
    ["device_id", 2],
    ["startblk_lo", 4],
  ],
);
/** What `device_id` of an index says: the image itself, or its first further device. */
export const DEVICE_ITSELF = 0;
export const DEVICE_FIRST = 1;
/** In place of the address of a chunk that is all zeros. */
export const NULL_ADDRESS = 0xffff_ffff;

/** struct erofs_xattr_ibody_header, in front of all extended attributes of an inode. */
export const XATTR_HEADER_BYTES = 12;
/** struct erofs_xattr_entry; name and value follow. */
export const XATTR_ENTRY: DiskLayout<"e_name_len" | "e_name_index" | "e_value_size"> = diskLayout(
  "erofs_xattr_entry",
  4,
  [
    ["e_name_len", 1],
    ["e_name_index", 1],
    ["e_value_size", 2],
  ],
);
/** Entries are padded to a multiple of this, and sizes counted in it. */
export const XATTR_UNIT_BYTES = 4;
/** EROFS_XATTR_INDEX_*: what an index stands for in front of a name. */
export const XATTR_PREFIXES: readonly (readonly [prefix: string, index: number])[] = [
  ["system.posix_acl_access", 2],
  ["system.posix_acl_default", 3],
  ["trusted.", 4],
  ["security.", 6],
  ["user.", 1],
];

/** struct erofs_dirent; the names of a block stand behind its entries. */
export const DIRENT: DiskLayout<"nid" | "nameoff" | "file_type"> = diskLayout("erofs_dirent", 12, [
  ["nid", 8],
  ["nameoff", 2],
  ["file_type", 1],
  ["_", 1],
]);

/** Up to the next multiple. */
export function alignUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
