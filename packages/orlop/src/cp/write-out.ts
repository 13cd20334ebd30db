import type { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { caller } from "../caller/caller.ts";

/** Writes all to a stream, standard output unless said otherwise; a reader that goes ends it. */
export async function writeOut(chunks: AsyncIterable<Buffer>, stream: Writable = caller().stdout): Promise<void> {
  await pipeline(chunks, stream, { end: stream !== caller().stdout });
}
