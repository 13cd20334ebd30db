import { type LayerEntry, type LayerEntryKind, OrlopError } from "@orlop/core";
import { encodeTarHeader } from "./encode-tar-header.ts";
import { TAR_BLOCK_BYTES } from "./tar-header.ts";

/** What an entry of an archive is made from; what is absent is zero or empty. Every `LayerEntry` is one. */
export interface TarEntry extends Partial<Omit<LayerEntry, "kind" | "path" | "mode" | "contentAt" | "content">> {
  readonly kind: LayerEntryKind;
  /** Of a directory: with or without a slash at its end. */
  readonly path: string;
  readonly mode: number;
  /** As many bytes as `size` says. */
  content?(): AsyncIterable<Buffer> | Iterable<Buffer>;
}

/** Headers and small files are put together to chunks of about this size: each chunk costs whoever takes it a turn. */
const CHUNK_BYTES = 64 * 1024;

/**
 * Writes a tar archive: ustar, with extended headers of pax in front of those entries whose names, numbers, times or
 * extended attributes do not fit. The bytes depend on the entries alone, and `readTar` gives the same entries back, of
 * directories with a slash behind their paths.
 *
 * @throws OrlopError `invalid` for an entry that no archive can hold, and for content of another size than `size`
 */
export async function* writeTar(entries: AsyncIterable<TarEntry> | Iterable<TarEntry>): AsyncGenerator<Buffer> {
  const out = new ChunkedOutput();
  for await (const entry of entries) {
    const size = entry.kind === "file" ? (entry.size ?? 0) : 0;
    yield* out.add(encodeTarHeader(entry, size));
    if (size === 0) continue;
    let left = size;
    for await (const chunk of entry.content?.() ?? []) {
      left -= chunk.length;
      if (left < 0) throw wrongLength(entry, size, `more than ${size}`);
      yield* out.add(chunk);
    }
    if (left > 0) throw wrongLength(entry, size, `${size - left}`);
    yield* out.add(tarPadding(size));
  }
  yield* out.add(TAR_END);
  yield* out.end();
}

/** Two blocks of zeros end an archive. */
export const TAR_END: Buffer = Buffer.alloc(2 * TAR_BLOCK_BYTES);

/** What fills up the last block of content. */
export function tarPadding(size: number): Buffer {
  return TAR_END.subarray(0, (TAR_BLOCK_BYTES - (size % TAR_BLOCK_BYTES)) % TAR_BLOCK_BYTES);
}

function wrongLength({ path }: TarEntry, size: number, found: string): OrlopError {
  return new OrlopError("invalid", `Cannot archive "${path}": its content has ${found} bytes, and not ${size}`);
}

class ChunkedOutput {
  #chunk: Buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  #used = 0;

  *add(bytes: Buffer): Generator<Buffer> {
    if (bytes.length > CHUNK_BYTES - this.#used) yield* this.end();
    if (bytes.length >= CHUNK_BYTES) {
      yield bytes;
      return;
    }
    bytes.copy(this.#chunk, this.#used);
    this.#used += bytes.length;
  }

  *end(): Generator<Buffer> {
    if (this.#used === 0) return;
    yield this.#chunk.subarray(0, this.#used);
    this.#chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    this.#used = 0;
  }
}
