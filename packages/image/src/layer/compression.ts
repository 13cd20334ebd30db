import { Readable } from "node:stream";
import { OrlopError } from "@orlop/core";
import { pipeThrough } from "../process/pipe-through.ts";

/** Ways of compression that are told by their first bytes. */
export type Compression = "none" | "gzip" | "zstd" | "xz" | "bzip2";

/** RFC 1952, section 2.3.1; RFC 8878, section 3.1.1; The .xz File Format, section 2.1.1.1; bzip2's "BZh". */
const MAGICS: readonly (readonly [compression: Compression, magic: Buffer])[] = [
  ["gzip", Buffer.from([0x1f, 0x8b])],
  ["zstd", Buffer.from([0x28, 0xb5, 0x2f, 0xfd])],
  ["xz", Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00])],
  ["bzip2", Buffer.from("BZh")],
];

/** As many first bytes as `compressionOf` looks at. */
export const MAGIC_MAX_BYTES: number = Math.max(...MAGICS.map(([, magic]) => magic.length));

/** By the first bytes. */
export function compressionOf(start: Buffer): Compression {
  return MAGICS.find(([, magic]) => start.subarray(0, magic.length).equals(magic))?.[0] ?? "none";
}

/** What was compressed so; `name` is for errors. */
export async function* uncompressed(
  name: string,
  chunks: AsyncIterable<Buffer>,
  compression: Compression,
): AsyncGenerator<Buffer> {
  switch (compression) {
    case "none":
      yield* chunks;
      return;
    case "gzip":
    case "zstd":
      yield* inflated(name, chunks, compression);
      return;
    case "xz":
    case "bzip2":
      // Node has neither.
      yield* pipeThrough(chunks, { path: compression, args: ["-dc"] }, { what: `unpack "${name}"` });
  }
}

/** Small ones cost more time than the unpacking itself does. */
const INFLATED_CHUNK_BYTES = 256 * 1024;
/** What may wait on either side, so that the thread that unpacks has work while this one is at something else. */
const AHEAD = { readableHighWaterMark: 8 * INFLATED_CHUNK_BYTES, writableHighWaterMark: 1024 * 1024 };

async function* inflated(
  name: string,
  chunks: AsyncIterable<Buffer>,
  compression: "gzip" | "zstd",
): AsyncGenerator<Buffer> {
  // A container without layers to unpack starts sooner when this has not been loaded.
  const { createGunzip, createZstdDecompress } = await import("node:zlib");
  const chunkSize = INFLATED_CHUNK_BYTES;
  // gzip's takes further archives, and nothing else, without being told.
  const stream =
    compression === "gzip"
      ? createGunzip({ chunkSize, ...AHEAD })
      : createZstdDecompress({ chunkSize, rejectGarbageAfterEnd: true, ...AHEAD });
  const source = Readable.from(chunks);
  source.on("error", (error) => stream.destroy(error));
  source.pipe(stream);
  try {
    yield* stream as AsyncIterable<Buffer>;
  } catch (cause) {
    if (cause instanceof OrlopError) throw cause;
    const what = cause instanceof Error ? cause.message : String(cause);
    throw new OrlopError("invalid", `Cannot unpack layer "${name}": ${what}`, { cause });
  } finally {
    source.destroy();
  }
}

/** What was compressed in the way that its first bytes tell; `isKept` picks ways in which it is left as it is. */
export async function* detected(
  name: string,
  chunks: AsyncIterable<Buffer>,
  isKept: (compression: Compression) => boolean = () => false,
): AsyncGenerator<Buffer> {
  const rest = chunks[Symbol.asyncIterator]();
  const first: Buffer[] = [];
  for (let length = 0; length < MAGIC_MAX_BYTES; ) {
    const { done, value } = await rest.next();
    if (done) break;
    first.push(value);
    length += value.length;
  }
  const start = Buffer.concat(first);
  const all = async function* (): AsyncGenerator<Buffer> {
    if (start.length > 0) yield start;
    yield* { [Symbol.asyncIterator]: () => rest };
  };
  const found = compressionOf(start);
  yield* uncompressed(name, all(), isKept(found) ? "none" : found);
}
