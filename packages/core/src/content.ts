import type { Digest } from "./identifiers.ts";
import type { Descriptor } from "./oci/image-spec.ts";

/** Names and values that go with an object; a name has a prefix of its owner's: `orlop.io/gc.ref.0`. */
export type Labels = Readonly<Record<string, string>>;

/**
 * Labels of a blob that begin so hold the digest of another, which stays as long as this one does: a manifest's name its
 * config and its layers. What follows the prefix tells them apart. (containerd's name, so that its clients' labels count.)
 */
export const LABEL_GC_REF_CONTENT = "containerd.io/gc.ref.content";
/** The same for snapshots, followed by a dot and the name of the snapshotter; the value is the snapshot's name. */
export const LABEL_GC_REF_SNAPSHOT = "containerd.io/gc.ref.snapshot";
/** A blob or snapshot with this label stays, whoever refers to it. */
export const LABEL_GC_ROOT = "containerd.io/gc.root";
/** The same as long as the process lives that the value names, as the owner of a lease: it keeps what has no lease of its own. */
export const LABEL_GC_PROCESS = "orlop.io/gc.process";

export interface ContentInfo {
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly createdAtMs: number;
  readonly labels: Labels;
}

/** Part of a blob. */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/**
 * The `ContentStore` contract: blobs by their digests, immutable once they are visible.
 *
 * ## The life of a blob
 *
 *     ingest(descriptor) ──write──> partly there ──commit──> visible ──delete──> gone
 *                                      │    ^
 *                                  process ends, and the next one goes on
 *
 * An *ingest* is a blob on its way in. There is at most one for a digest: who asks for a second one waits until the first
 * is committed or given up, also when that is another process's, and does the work once. What was written stays when an
 * ingest is disposed of without commit, or its process dies; the next one is told what is missing. `commit` verifies size
 * and digest of all of it, and makes it durable and visible in one step; a blob that is visible has been verified.
 *
 * Several processes use one store at once.
 */
export interface ContentStore {
  /** @throws OrlopError `not-found` */
  info(digest: Digest): Promise<ContentInfo>;
  /** Whether the blob is visible. */
  has(digest: Digest): Promise<boolean>;
  list(): AsyncIterable<ContentInfo>;
  /** Sets labels, and removes those that are undefined. @throws OrlopError `not-found` */
  setLabels(digest: Digest, labels: Readonly<Record<string, string | undefined>>): Promise<ContentInfo>;
  /** A blob that is not there is no error. */
  delete(digest: Digest): Promise<void>;
  /**
   * A blob's content, or a range of it, in chunks. A whole blob is verified again as it is read: the iteration throws
   * `invalid` at its end where the disk has changed it, and the message tells how to repair it.
   *
   * @throws OrlopError `not-found`
   */
  read(digest: Digest, range?: ByteRange): AsyncIterable<Buffer>;
  /**
   * Begins to take in a blob, or goes on with it. Undefined when the blob is visible already, or has become so while this
   * call waited for another ingest of it.
   *
   * @throws OrlopError `cancelled`, `unsupported` for a digest that cannot be verified, `invalid` where it is visible and has
   *   another size
   */
  ingest(descriptor: Pick<Descriptor, "digest" | "size">, options?: IngestOptions): Promise<Ingest | undefined>;
  /** What is partly there, of all processes. */
  ingests(): AsyncIterable<IngestStatus>;
  /** Gives up what is partly there of a blob, unless a process is at it. */
  abort(digest: Digest): Promise<void>;
}

export interface IngestOptions {
  readonly signal?: AbortSignal;
  /** Called once when the call has to wait for another ingest of the same blob. */
  readonly onWait?: () => void;
}

export interface IngestStatus {
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly writtenBytes: number;
  readonly startedAtMs: number;
  /** A process is at it. */
  readonly active: boolean;
}

/** A blob on its way in; disposing of it before `commit` leaves what was written for the next one. */
export interface Ingest extends AsyncDisposable {
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** What has not been written yet, in order. */
  missing(): readonly ByteRange[];
  /** Parts may come in any order, and from several calls at once. @throws OrlopError `invalid` past the blob's end */
  write(chunk: Buffer, offset: number): Promise<void>;
  /**
   * The content from the beginning, as it comes: what is written in order can be read while the rest is still on its way.
   * Not verified before `commit`. Ends with an error when the ingest is disposed of without commit.
   */
  follow(): AsyncIterable<Buffer>;
  /**
   * Verifies and makes visible. On a wrong digest all of it is dropped.
   *
   * @throws OrlopError `invalid`
   */
  commit(labels?: Labels): Promise<ContentInfo>;
}
