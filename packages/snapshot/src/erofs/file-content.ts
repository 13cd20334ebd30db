import assert from "node:assert/strict";
import type { AppendFile } from "./append-file.ts";
import { alignUp, CHUNK_BITS_MASK, INDEX_BLOCK_BYTES, NULL_ADDRESS } from "./erofs-format.ts";

/** Where the content of a file is. */
export type FileContent =
  | { readonly kind: "empty" }
  /** In whole blocks, one after the other. */
  | { readonly kind: "plain"; readonly block: number }
  /** The same, without what is left after the last full block: that waits at `spoolAt`, to stand behind the inode. */
  | { readonly kind: "inline"; readonly block: number; readonly spoolAt: number; readonly tailBytes: number }
  /** A block for each chunk of `1 << bits` bytes, or `NULL_ADDRESS`. */
  | { readonly kind: "chunked"; readonly bits: number; readonly addresses: readonly number[] }
  /** In the archive that an image is the index of, from one of its blocks on. */
  | { readonly kind: "archived"; readonly block: number };

export const EMPTY_CONTENT: FileContent = { kind: "empty" };

/** From here on chunks of zeros are looked for, and not written. */
const SPARSE_MIN_BYTES = 256 * 1024;
const CHUNK_BITS_MIN = 16;
const CHUNKS_MAX = 1 << 16;

export interface ContentFiles {
  readonly image: AppendFile;
  /** Takes tails until the inodes are written, so that memory does not grow with the layer. */
  readonly spool: AppendFile;
  /** Of the image. */
  readonly blockBytes: number;
}

/** How few chunks a file of an archive is in, all of whose blocks follow each other; `bits` is the log2 of the blocks in one. */
export function chunksIn(size: number): { readonly count: number; readonly bits: number } {
  const blocks = Math.ceil(size / INDEX_BLOCK_BYTES);
  const bits = Math.min(Math.ceil(Math.log2(blocks)), CHUNK_BITS_MASK);
  return { count: Math.ceil(blocks / 2 ** bits), bits };
}

/** Takes the content of one file as it comes. */
interface ContentSink {
  write(chunk: Buffer): void;
  end(): FileContent;
}

/** For a file of `size` bytes, whose inode and attributes have `inodeBytes`. */
export function contentSink(files: ContentFiles, size: number, inodeBytes: number): ContentSink {
  return size >= SPARSE_MIN_BYTES ? new ChunkSink(files, size) : new BlockSink(files, size, inodeBytes);
}

class BlockSink implements ContentSink {
  readonly #files: ContentFiles;
  readonly #block: number;
  readonly #spoolAt: number;
  readonly #tailBytes: number;
  readonly #sizeBytes: number;
  #left: number;

  constructor(files: ContentFiles, size: number, inodeBytes: number) {
    const { blockBytes } = files;
    const rest = size % blockBytes;
    this.#files = files;
    this.#sizeBytes = size;
    this.#block = files.image.size / blockBytes;
    this.#spoolAt = files.spool.size;
    // More than half a block is not worth the room that packing it wastes.
    this.#tailBytes = rest <= blockBytes / 2 && inodeBytes + rest <= blockBytes ? rest : 0;
    this.#left = size - this.#tailBytes;
  }

  write(chunk: Buffer): void {
    const left = this.#left;
    if (left > 0) this.#files.image.append(chunk.length > left ? chunk.subarray(0, left) : chunk);
    if (chunk.length > left) this.#files.spool.append(left > 0 ? chunk.subarray(left) : chunk);
    this.#left = Math.max(left - chunk.length, 0);
  }

  end(): FileContent {
    const { image, spool, blockBytes } = this.#files;
    const written = this.#sizeBytes - this.#tailBytes - this.#left + spool.size - this.#spoolAt;
    assert(written === this.#sizeBytes, "a file has other content than its size says");
    image.appendZeros(alignUp(image.size, blockBytes));
    if (this.#tailBytes === 0) return { kind: "plain", block: this.#block };
    return { kind: "inline", block: this.#block, spoolAt: this.#spoolAt, tailBytes: this.#tailBytes };
  }
}

/** Leaves out chunks that are all zeros. */
class ChunkSink implements ContentSink {
  readonly #files: ContentFiles;
  readonly #bits: number;
  readonly #sizeBytes: number;
  #writtenBytes = 0;
  readonly #addresses: number[] = [];
  #parts: Buffer[] = [];
  #gathered = 0;

  constructor(files: ContentFiles, size: number) {
    this.#files = files;
    this.#sizeBytes = size;
    this.#bits = Math.max(CHUNK_BITS_MIN, Math.ceil(Math.log2(size / CHUNKS_MAX)));
  }

  write(chunk: Buffer): void {
    const chunkBytes = 2 ** this.#bits;
    this.#writtenBytes += chunk.length;
    for (let at = 0; at < chunk.length; ) {
      const part = chunk.subarray(at, at + chunkBytes - this.#gathered);
      this.#parts.push(part);
      this.#gathered += part.length;
      at += part.length;
      if (this.#gathered === chunkBytes) this.#endChunk();
    }
    // It is lent only: what waits for the rest of its chunk is the end of it.
    const waiting = this.#parts.pop();
    if (waiting !== undefined) this.#parts.push(Buffer.from(waiting));
  }

  end(): FileContent {
    assert(this.#writtenBytes === this.#sizeBytes, "a file has other content than its size says");
    if (this.#gathered > 0) this.#endChunk();
    // Chunks that are all there lie one after the other.
    if (!this.#addresses.includes(NULL_ADDRESS)) return { kind: "plain", block: this.#addresses[0] ?? 0 };
    return { kind: "chunked", bits: this.#bits - Math.log2(this.#files.blockBytes), addresses: this.#addresses };
  }

  #endChunk(): void {
    const { image, blockBytes } = this.#files;
    const block = image.size / blockBytes;
    const isHole = this.#parts.every(isZero);
    this.#addresses.push(isHole ? NULL_ADDRESS : block);
    if (!isHole) {
      for (const part of this.#parts) image.append(part);
      image.appendZeros(alignUp(image.size, blockBytes));
    }
    this.#parts = [];
    this.#gathered = 0;
  }
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
