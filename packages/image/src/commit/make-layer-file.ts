import { createHash, type Hash } from "node:crypto";
import { Readable } from "node:stream";
import type { Digest, LayerEntry } from "@orlop/core";
import { type ArchiveOptions, seekableArchive } from "../archive/seekable-archive.ts";
import type { Compression } from "../layer/compression.ts";
import { writeTar } from "../tar/write-tar.ts";

/** A layer in a file without a name, which goes away with its descriptor. */
export interface LayerFile {
  readonly fd: number;
  readonly digest: Digest;
  readonly size: number;
  /** Digest of what is compressed in it. */
  readonly diffId: Digest;
  /** In it. */
  readonly entryCount: number;
}

const GZIP: ReadonlySet<Compression> = new Set(["gzip"]);

/**
 * Writes entries as a layer, compressed by gzip. The bytes depend on the entries, and on how this version of zlib compresses.
 *
 * @throws OrlopError
 */
export async function makeLayerFile(
  entries: AsyncIterable<LayerEntry>,
  options: Pick<ArchiveOptions, "temporaryDirectory" | "signal">,
): Promise<LayerFile> {
  let [entryCount, size] = [0, 0];
  const [plain, blob] = [createHash("sha256"), createHash("sha256")];
  const counted = watched(entries, () => void entryCount++);
  const tar = watched(writeTar(counted), (chunk) => void plain.update(chunk));
  const layer = watched(gzipped(tar), (chunk) => {
    size += chunk.length;
    blob.update(chunk);
  });
  const fd = await seekableArchive(layer, { ...options, name: "layer", kept: GZIP });
  return { fd, digest: digestOf(blob), size, diffId: digestOf(plain), entryCount };
}

async function* gzipped(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  // A container that is run has no use for it.
  const { createGzip } = await import("node:zlib");
  const gzip = createGzip();
  const source = Readable.from(chunks);
  source.on("error", (error) => gzip.destroy(error));
  source.pipe(gzip);
  try {
    yield* gzip as AsyncIterable<Buffer>;
  } finally {
    source.destroy();
    gzip.destroy();
  }
}

async function* watched<T>(items: AsyncIterable<T>, see: (item: T) => void): AsyncGenerator<T> {
  for await (const item of items) {
    see(item);
    yield item;
  }
}

function digestOf(hash: Hash): Digest {
  return `sha256:${hash.digest("hex")}`;
}
