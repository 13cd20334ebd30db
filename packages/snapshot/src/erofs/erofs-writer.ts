import type { LayerEntry } from "@orlop/core";
import { AppendFile } from "./append-file.ts";
import { crc32c } from "./crc32c.ts";
import { encodeXattrs } from "./encode-xattrs.ts";
import {
  BLOCK_BITS,
  BLOCK_BYTES,
  FEATURE_COMPAT_MTIME,
  FEATURE_COMPAT_SB_CHKSUM,
  FEATURE_INCOMPAT_CHUNKED_FILE,
  INODE,
  SUPERBLOCK,
  SUPERBLOCK_MAGIC,
  SUPERBLOCK_OFFSET,
} from "./erofs-format.ts";
import { EMPTY_CONTENT, type FileContent, writeContent } from "./file-content.ts";
import { LayerTree } from "./layer-tree.ts";
import { type Inode, type InodeSource, placeInodes } from "./place-inodes.ts";
import { type Metadata, nidOf, writeMetadata } from "./write-metadata.ts";

interface ErofsOptions {
  /** The layers below, the uppermost first: entries that go through their directories and links need them. */
  readonly below?: readonly LayerTree<unknown>[];
}

/**
 * Writes a layer as an EROFS image into a new file, in one pass: content goes to the file as it comes, and what the kernel
 * looks up by name to its end. Whiteouts are written as overlay has them. The same entries give the same bytes.
 *
 * Resolves to the layer's tree, for the layers above; leaves nothing when it rejects.
 *
 * @throws OrlopError `invalid`, `unsupported`, `exhausted`, and what the file system says
 */
export async function writeErofs(
  path: string,
  entries: AsyncIterable<LayerEntry>,
  { below = [] }: ErofsOptions = {},
): Promise<LayerTree<FileContent>> {
  const tree = new LayerTree<FileContent>(below);
  using image = new AppendFile(path);
  try {
    using spool = new AppendFile(`${path}.tails`);
    spool.remove();
    image.appendZeros(BLOCK_BYTES);
    for await (const entry of entries) {
      tree.add(
        entry,
        entry.kind === "file" ? await writeContent({ image, spool }, entry, headBytes(entry)) : EMPTY_CONTENT,
      );
    }
    const inodes = placeInodes(tree.root);
    const metadata = writeMetadata({ image, spool }, inodes);
    image.overwrite(encodeSuperblock(inodes, metadata, inodes.get(tree.root), image.size), 0);
    return tree;
  } catch (error) {
    image.remove();
    throw error;
  }
}

function headBytes({ xattrs, path }: LayerEntry): number {
  return INODE.sizeBytes + encodeXattrs(xattrs, path).length;
}

function encodeSuperblock(
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
