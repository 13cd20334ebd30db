import type { Transform } from "node:stream";
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

interface UncompressOptions {
  /** A chunk is gone when the next one is asked for, where that saves memory. */
  readonly isLent?: boolean;
  /** What is unpacked is nobody else's, and gone when it is unpacked. */
  readonly isOwn?: boolean;
}

/** What was compressed so; `name` is for errors. */
export async function* uncompressed(
  name: string,
  chunks: AsyncIterable<Buffer>,
  compression: Compression,
  options: UncompressOptions = {},
): AsyncGenerator<Buffer> {
  switch (compression) {
    case "none":
      yield* chunks;
      return;
    case "gzip":
    case "zstd":
      yield* inflated(name, chunks, compression, options);
      return;
    case "xz":
    case "bzip2":
      // Node has neither.
      yield* pipeThrough(chunks, { path: compression, args: ["-dc"] }, { what: `unpack "${name}"` });
  }
}

/** Small ones cost more time than the unpacking itself does. */
const INFLATED_CHUNK_BYTES = 512 * 1024;
/** What may wait on either side, so that the thread that unpacks has work while this one is at something else. */
const AHEAD = { readableHighWaterMark: 4 * INFLATED_CHUNK_BYTES, writableHighWaterMark: 1024 * 1024 };

async function* inflated(
  name: string,
  chunks: AsyncIterable<Buffer>,
  compression: "gzip" | "zstd",
  { isLent = false, isOwn = false }: UncompressOptions,
): AsyncGenerator<Buffer> {
  // A container without layers to unpack starts sooner when this has not been loaded.
  const { createGunzip, createZstdDecompress } = await import("node:zlib");
  const chunkSize = INFLATED_CHUNK_BYTES;
  // gzip's takes further archives, and nothing else, without being told.
  const stream =
    compression === "gzip"
      ? createGunzip({ chunkSize, ...AHEAD })
      : createZstdDecompress({ chunkSize, rejectGarbageAfterEnd: true, ...AHEAD });
  feed(stream, chunks, isOwn).catch((error: unknown) => {
    stream.destroy(error instanceof Error ? error : new Error("cannot read what is packed", { cause: error }));
  });
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      yield chunk;
      if (isLent) giveBack(chunk);
    }
  } catch (cause) {
    if (cause instanceof OrlopError) throw cause;
    const what = cause instanceof Error ? cause.message : String(cause);
    throw new OrlopError("invalid", `Cannot unpack layer "${name}": ${what}`, { operation: "unpack layer", cause });
  } finally {
    stream.destroy();
  }
}

/** Resolves when all has been taken, or the stream has been destroyed. Rejects with what the chunks do. */
async function feed(stream: Transform, chunks: AsyncIterable<Buffer>, isOwn: boolean): Promise<void> {
  for await (const chunk of chunks) {
    const taken = (error?: Error | null): void => {
      if (isOwn && !error) giveBack(chunk);
    };
    if (!stream.destroyed && !stream.write(chunk, taken)) await roomIn(stream);
    if (stream.destroyed) return;
  }
  stream.end();
}

function roomIn(stream: Transform): Promise<void> {
  return new Promise((resolve) => {
    const proceed = (): void => {
      stream.off("drain", proceed);
      stream.off("close", proceed);
      resolve();
    };
    stream.on("drain", proceed);
    stream.on("close", proceed);
    if (stream.destroyed) proceed();
  });
}

/** Node never puts several so large into one buffer. */
const GIVEN_BACK_MIN_BYTES = 256 * 1024;

/**
 * Gives back the memory of a chunk, which takes several collections of garbage otherwise: what is unpacked next lies where the
 * processor has it at hand, and not in memory that the kernel has to clear first.
 */
function giveBack({ buffer, byteOffset, length }: Buffer): void {
  // A stream fills a buffer to its end before it takes another one: what ends sooner may be part of the one that it is at. What
  // is small may be in a buffer with others.
  const isLast = byteOffset + length === buffer.byteLength;
  if (isLast && buffer.byteLength >= GIVEN_BACK_MIN_BYTES) (buffer as ArrayBuffer).transfer(0);
}

interface DetectedOptions extends UncompressOptions {
  /** Picks ways of compression in which it is left as it is; absent: none. */
  readonly isKept?: (compression: Compression) => boolean;
}

/** What was compressed in the way that its first bytes tell. */
export async function* detected(
  name: string,
  chunks: AsyncIterable<Buffer>,
  { isKept = () => false, ...options }: DetectedOptions = {},
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
  yield* uncompressed(name, all(), isKept(found) ? "none" : found, options);
}
