import { Readable } from "node:stream";
import {
  type Descriptor,
  type Digest,
  digestEncoded,
  MEDIA_TYPE_DOCKER_LAYER,
  MEDIA_TYPE_DOCKER_LAYER_FOREIGN_GZIP,
  MEDIA_TYPE_DOCKER_LAYER_GZIP,
  MEDIA_TYPE_IMAGE_LAYER,
  MEDIA_TYPE_IMAGE_LAYER_GZIP,
  MEDIA_TYPE_IMAGE_LAYER_NONDISTRIBUTABLE,
  MEDIA_TYPE_IMAGE_LAYER_NONDISTRIBUTABLE_GZIP,
  MEDIA_TYPE_IMAGE_LAYER_NONDISTRIBUTABLE_ZSTD,
  MEDIA_TYPE_IMAGE_LAYER_ZSTD,
  OrlopError,
} from "@orlop/core";
import { hashFor, type LayoutBlobs } from "../layout/layout-blobs.ts";
import { readTar, type TarEntry } from "../tar/read-tar.ts";

const COMPRESSIONS: ReadonlyMap<string, "none" | "gzip" | "zstd"> = new Map([
  [MEDIA_TYPE_IMAGE_LAYER, "none"],
  [MEDIA_TYPE_IMAGE_LAYER_GZIP, "gzip"],
  [MEDIA_TYPE_IMAGE_LAYER_ZSTD, "zstd"],
  [MEDIA_TYPE_IMAGE_LAYER_NONDISTRIBUTABLE, "none"],
  [MEDIA_TYPE_IMAGE_LAYER_NONDISTRIBUTABLE_GZIP, "gzip"],
  [MEDIA_TYPE_IMAGE_LAYER_NONDISTRIBUTABLE_ZSTD, "zstd"],
  [MEDIA_TYPE_DOCKER_LAYER, "none"],
  [MEDIA_TYPE_DOCKER_LAYER_GZIP, "gzip"],
  [MEDIA_TYPE_DOCKER_LAYER_FOREIGN_GZIP, "gzip"],
]);

/**
 * The entries of one layer. The iteration throws at its end when the layer is not what its digest and that of the
 * uncompressed archive, `diffId`, say: nothing of it is to be used before.
 *
 * @throws OrlopError
 */
export async function* readLayer(blobs: LayoutBlobs, layer: Descriptor, diffId: Digest): AsyncGenerator<TarEntry> {
  const hash = hashFor(diffId);
  const hashed = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      hash.update(chunk);
      yield chunk;
    }
  };
  yield* readTar(hashed(decompress(blobs.readBlob(layer), layer)));
  const found = hash.digest("hex");
  if (found === digestEncoded(diffId)) return;
  throw new OrlopError(
    "invalid",
    `Cannot use layer "${layer.digest}": unpacked it hashes to ${found}, not to ${diffId}`,
  );
}

async function* decompress(chunks: AsyncGenerator<Buffer>, { mediaType, digest }: Descriptor): AsyncGenerator<Buffer> {
  const compression = COMPRESSIONS.get(mediaType);
  if (compression === undefined) {
    throw new OrlopError("unsupported", `Cannot unpack layer "${digest}": its media type is "${mediaType}"`);
  }
  if (compression === "none") {
    yield* chunks;
    return;
  }
  // A container without layers to unpack starts sooner when this has not been loaded.
  const { createGunzip, createZstdDecompress } = await import("node:zlib");
  const stream = compression === "gzip" ? createGunzip() : createZstdDecompress();
  const source = Readable.from(chunks);
  source.on("error", (error) => stream.destroy(error));
  source.pipe(stream);
  try {
    yield* stream as AsyncIterable<Buffer>;
  } catch (cause) {
    if (cause instanceof OrlopError) throw cause;
    const what = cause instanceof Error ? cause.message : String(cause);
    throw new OrlopError("invalid", `Cannot unpack layer "${digest}": ${what}`, { cause });
  } finally {
    source.destroy();
  }
}
