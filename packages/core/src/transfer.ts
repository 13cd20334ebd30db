import type { ByteRange, Ingest } from "./content.ts";
import type { Descriptor } from "./oci/image-spec.ts";

/** An image as a source offers it. */
export interface OfferedImage {
  /** As the source names it, in full; absent where it has no name. */
  readonly name?: string;
  /** A manifest, or an index of those. */
  readonly target: Descriptor;
}

/**
 * Where images come from: a registry, a layout, an archive, the content store. What a source gives is not to be trusted:
 * `document` verifies, and whoever reads `blob` to its end has to verify what it got.
 *
 * @throws OrlopError from every method, `not-found` for what the source does not hold
 */
export interface ImageSource extends AsyncDisposable {
  /** For messages: `registry.example/app`, `oci:PATH`. */
  readonly name: string;
  /** What is there; a source that was opened for one image offers that one. */
  images(signal?: AbortSignal): Promise<readonly OfferedImage[]>;
  /** A manifest, index or config, whole and verified against its descriptor. */
  document(descriptor: Descriptor, signal?: AbortSignal): Promise<Buffer>;
  /** A blob, or a range of it, in chunks. */
  blob(descriptor: Descriptor, options?: BlobOptions): AsyncIterable<Buffer>;
  /**
   * Brings what is missing of a blob into an ingest, in the way that is fastest for this source; absent: in one stream.
   * Does not commit.
   */
  download?(descriptor: Descriptor, ingest: Ingest, options?: DownloadOptions): Promise<void>;
  /** Manifests that name this one as their subject (distribution-spec, "Listing Referrers"); absent: it knows of none. */
  referrers?(descriptor: Descriptor, options?: ReferrersOptions): Promise<readonly Descriptor[]>;
}

export interface BlobOptions {
  readonly range?: ByteRange;
  readonly signal?: AbortSignal;
}

export interface DownloadOptions {
  readonly signal?: AbortSignal;
  /** Bytes that have come since the call before. */
  readonly onBytes?: (count: number) => void;
}

export interface ReferrersOptions {
  readonly artifactType?: string;
  readonly signal?: AbortSignal;
}

/**
 * Where images go to. Blobs come before the manifests that name them, manifests before the indexes that name those, names
 * last. What was put and not named when the sink is disposed of is nobody's image; a sink that writes one file makes it
 * visible in `finish`.
 *
 * @throws OrlopError from every method
 */
export interface ImageSink extends AsyncDisposable {
  readonly name: string;
  /** Whether the blob or manifest is there already, so that it need not be put. */
  has(descriptor: Descriptor, signal?: AbortSignal): Promise<boolean>;
  /**
   * Takes a blob in and verifies it. `open` gives the content from an offset on, and may be called again where the sink
   * has to go on after a failure.
   */
  putBlob(
    descriptor: Descriptor,
    open: (offset: number) => AsyncIterable<Buffer>,
    options?: DownloadOptions,
  ): Promise<void>;
  /** A manifest or an index. */
  putManifest(descriptor: Descriptor, content: Buffer, signal?: AbortSignal): Promise<void>;
  /** Gives an image its name; absent: the one that the sink was opened with. */
  putName(name: string | undefined, target: Descriptor, signal?: AbortSignal): Promise<void>;
  /** Everything has been put. */
  finish(): Promise<void>;
}
