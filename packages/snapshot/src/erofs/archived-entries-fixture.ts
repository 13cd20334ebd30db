import type { LayerEntries } from "@orlop/core";
import { readTar } from "@orlop/image";

/** The entries of an archive, and that itself, as those of an image's layer have it. What is lent is spoiled when it is back. */
export function archivedEntries(archive: AsyncIterable<Buffer>): LayerEntries {
  let see: (chunk: Buffer) => void = () => {};
  let isLent = false;
  async function* chunks(): AsyncGenerator<Buffer> {
    for await (const each of archive) {
      const chunk = isLent ? Buffer.from(each) : each;
      see(chunk);
      yield chunk;
      if (isLent) chunk.fill(0xff);
    }
  }
  return {
    watchArchive: (watcher) => {
      see = watcher;
    },
    lendChunks: () => {
      isLent = true;
    },
    [Symbol.asyncIterator]: () => readTar(chunks()),
  };
}
