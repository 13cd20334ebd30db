import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { Readable, type Writable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { OrlopError } from "@orlop/core";
import { refusedFile } from "./debian-error.ts";

export type Compression = "none" | "gz" | "xz" | "zst";

export interface DecompressOptions {
  /** For errors. */
  readonly name: string;
  /** A named limit: what is larger is refused. */
  readonly sizeMax: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * What was compressed so, in chunks; of several pieces, one after the other.
 *
 * @throws OrlopError `invalid` for what is not compressed so, `exhausted` for more than `sizeMax`
 */
export async function* decompress(
  content: Buffer | readonly Buffer[],
  compression: Compression,
  options: DecompressOptions,
): AsyncGenerator<Buffer> {
  const { name, sizeMax } = options;
  let left = sizeMax;
  const pieces = Buffer.isBuffer(content) ? [content] : content;
  for await (const chunk of open(pieces, compression, options)) {
    left -= chunk.length;
    if (left < 0) throw new OrlopError("exhausted", `Cannot unpack "${name}": it has more than ${sizeMax} bytes`);
    yield chunk;
  }
}

/** The same in one piece. */
export async function decompressWhole(
  content: Buffer,
  compression: Compression,
  options: DecompressOptions,
): Promise<Buffer> {
  if (compression === "none") return content;
  const chunks: Buffer[] = [];
  for await (const chunk of decompress(content, compression, options)) chunks.push(chunk);
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}

function open(pieces: readonly Buffer[], compression: Compression, options: DecompressOptions): AsyncIterable<Buffer> {
  switch (compression) {
    case "none":
      return Readable.from(pieces);
    case "gz":
      return inflate(pieces, () => createGunzip({ chunkSize: CHUNK_BYTES }), options);
    case "zst":
      return inflate(pieces, () => createZstdDecompress({ chunkSize: CHUNK_BYTES }), options);
    case "xz":
      return unxz(pieces, options);
  }
}

const CHUNK_BYTES = 256 * 1024;

async function* inflate(
  pieces: readonly Buffer[],
  open: () => ReturnType<typeof createGunzip>,
  { name }: DecompressOptions,
): AsyncGenerator<Buffer> {
  for (const piece of pieces) {
    const stream = open();
    try {
      stream.end(piece);
      yield* stream as AsyncIterable<Buffer>;
    } catch (cause) {
      throw refusedFile(name, cause instanceof Error ? cause.message : String(cause));
    } finally {
      stream.destroy();
    }
  }
}

const COMPLAINT_MAX_CHARACTERS = 1000;

/** One process for all pieces: xz goes on with what follows the end of one. */
async function* unxz(pieces: readonly Buffer[], { name, signal }: DecompressOptions): AsyncGenerator<Buffer> {
  signal?.throwIfAborted();
  const child: ChildProcessByStdio<Writable, Readable, Readable> = spawn("xz", ["-dc"], { stdio: "pipe" });
  const failure = new Promise<undefined>((_, reject) => child.on("error", (cause) => reject(startFailure(cause))));
  failure.catch(() => {});
  const closed = once(child, "close");
  closed.catch(() => {});
  let complaint = "";
  child.stderr.on("data", (chunk: Buffer) => {
    complaint = `${complaint}${chunk}`.slice(0, COMPLAINT_MAX_CHARACTERS);
  });
  // It has ended before it was told everything; its status says why.
  child.stdin.on("error", () => {});
  for (const piece of pieces) child.stdin.write(piece);
  child.stdin.end();
  try {
    yield* child.stdout as AsyncIterable<Buffer>;
    await Promise.race([closed, failure]);
    if (child.exitCode !== 0) throw refusedFile(name, complaint.trim() || `xz ends with ${child.exitCode}`);
  } finally {
    child.kill("SIGKILL");
  }
}

function startFailure(cause: Error): Error {
  if (!("code" in cause) || cause.code !== "ENOENT") return cause;
  return new OrlopError("unsupported", 'Cannot start "xz": packages are compressed with it\nTry to install xz-utils.', {
    cause,
  });
}
