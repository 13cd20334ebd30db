import { closeSync, createReadStream, createWriteStream, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { compressionOf, uncompressed } from "@orlop/image";
import { systemFailure } from "@orlop/kernel";

/** More than any magic number. */
const START_BYTES = 16;

/**
 * Path of an archive that can be read at any place: its own, or of a copy in the directory where it is compressed.
 *
 * @throws OrlopError
 */
export async function uncompressedArchive(path: string, ownDirectory: () => string): Promise<string> {
  const compression = compressionOf(readStart(path));
  if (compression === "none") return path;
  // Loaded no sooner: most images come without.
  const { pipeline } = process.getBuiltinModule("node:stream/promises");
  const copy = join(ownDirectory(), "archive.tar");
  await pipeline(uncompressed(path, createReadStream(path), compression), createWriteStream(copy, { flags: "wx" }));
  return copy;
}

function readStart(path: string): Buffer {
  let fd: number | undefined;
  try {
    fd = openSync(path, "r");
    const start = Buffer.alloc(START_BYTES);
    return start.subarray(0, readSync(fd, start, 0, START_BYTES, 0));
  } catch (cause) {
    throw systemFailure(`read image archive "${path}"`, cause);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
