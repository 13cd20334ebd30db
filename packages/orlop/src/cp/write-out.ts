import type { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";

/** Writes all to a stream, standard output unless said otherwise; a reader that goes ends it. */
export async function writeOut(chunks: AsyncIterable<Buffer>, stream: Writable = process.stdout): Promise<void> {
  await pipeline(chunks, stream, { end: stream !== process.stdout });
}
