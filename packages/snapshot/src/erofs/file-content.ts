import type { LayerEntry } from "@orlop/core";
import type { AppendFile } from "./append-file.ts";
import { alignUp, BLOCK_BITS, BLOCK_BYTES, NULL_ADDRESS } from "./erofs-format.ts";

/** Where the content of a file is. */
export type FileContent =
  | { readonly kind: "empty" }
  /** In whole blocks, one after the other. */
  | { readonly kind: "plain"; readonly block: number }
  /** The same, without what is left after the last full block: that waits at `spoolAt`, to stand behind the inode. */
  | { readonly kind: "inline"; readonly block: number; readonly spoolAt: number; readonly tailBytes: number }
  /** A block for each chunk of `1 << bits` bytes, or `NULL_ADDRESS`. */
  | { readonly kind: "chunked"; readonly bits: number; readonly addresses: readonly number[] };

export const EMPTY_CONTENT: FileContent = { kind: "empty" };

/** More than half a block is not worth the room that packing it wastes. */
const TAIL_MAX_BYTES = BLOCK_BYTES / 2;
/** From here on chunks of zeros are looked for, and not written. */
const SPARSE_MIN_BYTES = 256 * 1024;
const CHUNK_BITS_MIN = 16;
const CHUNKS_MAX = 1 << 16;

export interface ContentFiles {
  readonly image: AppendFile;
  /** Takes tails until the inodes are written, so that memory does not grow with the layer. */
  readonly spool: AppendFile;
}

/** Writes the content of a file as it comes. `inodeBytes` is what stands before a tail. */
export async function writeContent(files: ContentFiles, entry: LayerEntry, inodeBytes: number): Promise<FileContent> {
  const { size } = entry;
  if (size === 0) return EMPTY_CONTENT;
  if (size >= SPARSE_MIN_BYTES) return await writeChunks(files.image, entry);
  const { image, spool } = files;
  const block = image.size / BLOCK_BYTES;
  const tailBytes = size % BLOCK_BYTES;
  const inline = tailBytes > 0 && tailBytes <= TAIL_MAX_BYTES && inodeBytes + tailBytes <= BLOCK_BYTES;
  let left = inline ? size - tailBytes : size;
  const spoolAt = spool.size;
  for await (const chunk of entry.content()) {
    if (left > 0) image.append(chunk.length > left ? chunk.subarray(0, left) : chunk);
    if (chunk.length > left) spool.append(chunk.subarray(left));
    left = Math.max(left - chunk.length, 0);
  }
  image.appendZeros(alignUp(image.size, BLOCK_BYTES));
  return inline ? { kind: "inline", block, spoolAt, tailBytes } : { kind: "plain", block };
}

async function writeChunks(image: AppendFile, entry: LayerEntry): Promise<FileContent> {
  const bits = Math.max(CHUNK_BITS_MIN, Math.ceil(Math.log2(entry.size / CHUNKS_MAX)));
  const chunkBytes = 2 ** bits;
  const addresses: number[] = [];
  let parts: Buffer[] = [];
  let gathered = 0;
  const end = (): void => {
    const block = image.size / BLOCK_BYTES;
    const isHole = parts.every(isZero);
    addresses.push(isHole ? NULL_ADDRESS : block);
    if (!isHole) {
      for (const part of parts) image.append(part);
      image.appendZeros(alignUp(image.size, BLOCK_BYTES));
    }
    parts = [];
    gathered = 0;
  };
  for await (const chunk of entry.content()) {
    for (let at = 0; at < chunk.length; ) {
      const part = chunk.subarray(at, at + chunkBytes - gathered);
      parts.push(part);
      gathered += part.length;
      at += part.length;
      if (gathered === chunkBytes) end();
    }
  }
  if (gathered > 0) end();
  // Chunks that are all there lie one after the other.
  if (!addresses.includes(NULL_ADDRESS)) return { kind: "plain", block: addresses[0] ?? 0 };
  return { kind: "chunked", bits: bits - BLOCK_BITS, addresses };
}

const ZEROS: Buffer = Buffer.alloc(1 << 16);

function isZero(bytes: Buffer): boolean {
  for (let at = 0; at < bytes.length; at += ZEROS.length) {
    const part = bytes.subarray(at, at + ZEROS.length);
    if (part[0] !== 0 || !part.equals(part.length === ZEROS.length ? ZEROS : ZEROS.subarray(0, part.length)))
      return false;
  }
  return true;
}
