import {
  type Digest,
  digestEncoded,
  type LayerEntries,
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
import { hashFor } from "../layout/verify-content.ts";
import { processStream, type StreamProcessor } from "../process/stream-processors.ts";
import { readTar } from "../tar/read-tar.ts";
import { type Compression, detected, uncompressed } from "./compression.ts";
import { LAYER_LIMITS, type LayerLimits, LayerMeter } from "./layer-limits.ts";
import { watched } from "./watched.ts";

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
  /** As it is stored, where that is known. */
  readonly sizeBytes?: number;
  chunks(): AsyncIterable<Buffer>;
  /** What `chunks` gives is nobody else's, each in a buffer of its own: it need not outlast its use. */
  readonly ownsChunks?: boolean;
}

export interface ReadLayerOptions {
  /** Absent: `LAYER_LIMITS`. */
  readonly limits?: LayerLimits;
  /** Who makes layers of what no layer is, as an encrypted one; asked only for those. */
  readonly processors?: () => readonly StreamProcessor[];
  readonly signal?: AbortSignal;
}

/**
 * The entries of one layer. The iteration throws at its end when the uncompressed archive is not what `diffId` says:
 * nothing of it is to be used before.
 *
 * @throws OrlopError `invalid`, `exhausted` past a limit, `cancelled`, `unsupported`
 */
export function readLayer(layer: StoredLayer, options: ReadLayerOptions = {}): LayerEntries {
  const watchers: ((chunk: Buffer) => void)[] = [];
  let isLent = false;
  return {
    watchArchive: (see) => void watchers.push(see),
    lendChunks: () => {
      isLent = true;
    },
    [Symbol.asyncIterator]: () => readEntries(layer, options, { watchers, isLent }),
  };
}

interface ReadingWishes {
  readonly watchers: readonly ((chunk: Buffer) => void)[];
  /** Nobody looks at a chunk any more who asks for the next one. */
  readonly isLent: boolean;
}

function readEntries(
  layer: StoredLayer,
  options: ReadLayerOptions,
  { watchers, isLent }: ReadingWishes,
): AsyncGenerator<LayerEntry> {
  const { name, diffId, sizeBytes } = layer;
  const { limits = LAYER_LIMITS, signal } = options;
  const hash = hashFor(diffId);
  const meter = new LayerMeter(name, limits, sizeBytes);
  const stored = watched(layer.chunks(), (chunk) => meter.countStored(chunk.length));
  const archive = watched(decompress(layer, stored, { ...options, isLent }), (chunk) => {
    if (signal?.aborted) throw new OrlopError("cancelled", `Cannot unpack layer "${name}": it was ended`);
    meter.countArchive(chunk.length);
    hash.update(chunk);
    for (const see of watchers) see(chunk);
  });
  return readTar(archive, {
    name,
    onEntry: (entry) => meter.countEntry(entry),
    onEnd() {
      const found = hash.digest("hex");
      if (found === digestEncoded(diffId)) return;
      const what = `unpacked it hashes to ${found}, not to ${diffId}`;
      throw new OrlopError("invalid", `Cannot use layer "${name}": ${what}`, { operation: "unpack layer" });
    },
  });
}

async function* decompress(
  { name, mediaType, ownsChunks: isOwn = false }: StoredLayer,
  chunks: AsyncIterable<Buffer>,
  { processors, signal, isLent }: ReadLayerOptions & Pick<ReadingWishes, "isLent">,
): AsyncGenerator<Buffer> {
  if (mediaType === undefined) {
    yield* detected(name, chunks, { isLent });
    return;
  }
  const isWanted = (type: string): boolean => COMPRESSIONS.has(type);
  const found = isWanted(mediaType) ? [] : (processors?.() ?? []);
  const layer = processStream({ mediaType, chunks }, { name, processors: found, isWanted, signal });
  const isUnprocessed = layer.chunks === chunks;
  yield* uncompressed(name, layer.chunks, COMPRESSIONS.get(layer.mediaType) ?? "none", {
    isLent,
    isOwn: isOwn && isUnprocessed,
  });
}
