import { closeSync, openSync, readSync } from "node:fs";
import { JSON_LIMITS } from "@orlop/core";

/** One byte more than decoders take, by which they see that it is too much: some files have no end. */
const READ_MAX_BYTES = JSON_LIMITS.textSizeMaxBytes + 1;
const CHUNK_BYTES = 65_536;

/** The text of a document, or as much of it as tells that it is too long. Throws what node:fs does. */
export function readJsonFile(path: string): Uint8Array {
  const fd = openSync(path, "r");
  try {
    const chunks: Buffer[] = [];
    for (let length = 0; length < READ_MAX_BYTES; ) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      const got = readSync(fd, chunk);
      if (got === 0) break;
      chunks.push(chunk.subarray(0, got));
      length += got;
    }
    return Buffer.concat(chunks);
  } finally {
    closeSync(fd);
  }
}
