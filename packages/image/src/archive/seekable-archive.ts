import { randomBytes } from "node:crypto";
import { openSync } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { addAbortSignal, Readable } from "node:stream";
import { OrlopError } from "@orlop/core";
import { systemFailure } from "@orlop/kernel";
import { type Compression, compressionOf, detected, MAGIC_MAX_BYTES } from "../layer/compression.ts";

/** An archive: a path, or what comes from somewhere else, such as standard input. */
export type ArchiveInput = string | AsyncIterable<Buffer>;

export interface ArchiveOptions {
  /** As the user knows it; absent: its path. */
  readonly name?: string;
  /** Where a copy is put of what cannot be read at any place; absent: `TMPDIR`, or `/var/tmp`. */
  readonly temporaryDirectory?: string;
  readonly signal?: AbortSignal;
}

interface SeekableOptions extends ArchiveOptions {
  /** Ways of compression that may stay; absent: none. */
  readonly kept?: ReadonlySet<Compression>;
}

/**
 * A descriptor of an archive that can be read at any place: its own, or, where it is compressed or comes through a pipe, of a
 * copy that has no name and goes away with its descriptor.
 *
 * @throws OrlopError
 */
export async function seekableArchive(input: ArchiveInput, options: SeekableOptions): Promise<number> {
  if (typeof input !== "string") return await copy(input, options);
  const what = `read image archive "${input}"`;
  try {
    await using file = await open(input);
    const stat = await file.stat();
    if (stat.isDirectory()) throw new OrlopError("invalid", `Cannot ${what}: it is a directory`);
    if (stat.isFile() && isKept(compressionOf(await readStart(file)), options)) return openSync(ownPath(file.fd), "r");
    return await copy(file.createReadStream({ autoClose: false, ...(stat.isFile() ? { start: 0 } : {}) }), options);
  } catch (error) {
    throw isSystemError(error) ? systemFailure(what, error) : error;
  }
}

function isKept(compression: Compression, { kept }: SeekableOptions): boolean {
  return compression === "none" || kept?.has(compression) === true;
}

async function readStart(file: FileHandle): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(MAGIC_MAX_BYTES), 0, MAGIC_MAX_BYTES, 0);
  return buffer.subarray(0, bytesRead);
}

async function copy(chunks: AsyncIterable<Buffer>, { name = "", ...options }: SeekableOptions): Promise<number> {
  const { temporaryDirectory = process.env.TMPDIR ?? "/var/tmp", signal } = options;
  const path = join(temporaryDirectory, `.orlop-archive-${randomBytes(8).toString("hex")}`);
  const what = `copy image archive "${name}" to "${temporaryDirectory}"`;
  const input = chunks instanceof Readable ? chunks : Readable.from(chunks);
  if (signal !== undefined) addAbortSignal(signal, input);
  try {
    await using file = await open(path, "wx+", 0o600);
    await rm(path);
    const isRaw = (compression: Compression): boolean => isKept(compression, options);
    for await (const chunk of detected(name, input, { isKept: isRaw })) await file.appendFile(chunk);
    return openSync(ownPath(file.fd), "r");
  } catch (error) {
    if (signal?.aborted) throw new OrlopError("cancelled", `Cannot ${what}: it was ended`, { cause: signal.reason });
    throw isSystemError(error) ? systemFailure(what, error) : error;
  } finally {
    input.destroy();
  }
}

/** By which the same file is opened once more, whatever its name is now, if it has one. */
function ownPath(fd: number): string {
  return `/proc/self/fd/${fd}`;
}

function isSystemError(error: unknown): boolean {
  return !(error instanceof OrlopError) && (error as NodeJS.ErrnoException).syscall !== undefined;
}
