import type { LayerEntries } from "@orlop/core";
import { readTar } from "@orlop/image";

/** The entries of an archive, and that itself, as those of an image's layer have it. */
export function archivedEntries(archive: AsyncIterable<Buffer>): LayerEntries {
  let see: (chunk: Buffer) => void = () => {};
  async function* chunks(): AsyncGenerator<Buffer> {
    for await (const chunk of archive) {
      see(chunk);
      yield chunk;
    }
  }
  return {
    watchArchive: (watcher) => {
      see = watcher;
    },
    [Symbol.asyncIterator]: () => readTar(chunks()),
  };
}
