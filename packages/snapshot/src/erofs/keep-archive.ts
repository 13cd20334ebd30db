import type { LayerEntries, LayerEntry } from "@orlop/core";
import { readTar, writeTar } from "@orlop/image";

/**
 * The same entries, with their places in the uncompressed archive that they come out of, every chunk of which is shown to
 * `keep`. One is made of what comes out of none.
 */
export function keepArchive(entries: LayerEntries, keep: (chunk: Buffer) => void): AsyncIterable<LayerEntry> {
  if (entries.watchArchive === undefined) return readTar(kept(writeTar(entries), keep));
  entries.watchArchive(keep);
  return entries;
}

async function* kept(chunks: AsyncIterable<Buffer>, keep: (chunk: Buffer) => void): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    keep(chunk);
    yield chunk;
  }
}
