import {
  type Digest,
  digestEncoded,
  type LayerEntry,
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
import { hashFor } from "../layout/layout-blobs.ts";
import { readTar } from "../tar/read-tar.ts";
import { type Compression, detected, uncompressed } from "./compression.ts";

const COMPRESSIONS: ReadonlyMap<string, Compression> = new Map([
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

/** A layer as it is stored. */
export interface StoredLayer {
  /** For errors: its digest, or its name in an archive. */
  readonly name: string;
  /** Of the uncompressed archive. */
  readonly diffId: Digest;
  /** Absent: whatever its first bytes tell. */
  readonly mediaType?: string;
  chunks(): AsyncIterable<Buffer>;
}

/**
 * The entries of one layer. The iteration throws at its end when the uncompressed archive is not what `diffId` says:
 * nothing of it is to be used before.
 *
 * @throws OrlopError
 */
export async function* readLayer(layer: StoredLayer): AsyncGenerator<LayerEntry> {
  const { name, diffId } = layer;
  const hash = hashFor(diffId);
  const hashed = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      hash.update(chunk);
      yield chunk;
    }
  };
  yield* readTar(hashed(decompress(layer)));
  const found = hash.digest("hex");
  if (found === digestEncoded(diffId)) return;
  throw new OrlopError("invalid", `Cannot use layer "${name}": unpacked it hashes to ${found}, not to ${diffId}`);
}

async function* decompress({ name, mediaType, chunks }: StoredLayer): AsyncGenerator<Buffer> {
  if (mediaType === undefined) {
    yield* detected(name, chunks());
    return;
  }
  const compression = COMPRESSIONS.get(mediaType);
  if (compression === undefined) {
    throw new OrlopError("unsupported", `Cannot unpack layer "${name}": its media type is "${mediaType}"`);
  }
  yield* uncompressed(name, chunks(), compression);
}
