import { statSync } from "node:fs";
import {
  type ByteRange,
  type ContentInfo,
  type ContentStore,
  type Descriptor,
  type Digest,
  type IngestOptions,
  type IngestStatus,
  OrlopError,
} from "@orlop/core";
import type { Database } from "../database/database.ts";
import type { BlobIngests } from "./blob-ingests.ts";
import type { BlobRemoval } from "./blob-removal.ts";
import { type BlobRow, BlobRows } from "./blob-rows.ts";
import type { ContentLeftovers } from "./content-leftovers.ts";
import { ContentPaths, STAT_BLOCK_BYTES, storableDigest } from "./content-paths.ts";
import { damagedBlob, storeFailure, unknownBlob } from "./content-problems.ts";
import { changeLabels } from "./labels-column.ts";
import type { LocalIngest } from "./local-ingest.ts";
import { readBlobFile } from "./read-blob-file.ts";

/** A blob that was verified once and cannot be used any more. */
export interface DamagedBlob {
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly error: OrlopError;
}

/**
 * The `ContentStore` contract on a directory and a database.
 *
 * A blob's file is renamed to its place when it has been verified and is on the disk; its row follows. Only with both is it
 * visible, so that each of them may be lost in a power cut before the name of an image makes the rows durable: what is left
 * of it is verified and taken in again by the next ingest, without a byte of it being fetched.
 *
 * What takes blobs in or removes them is loaded when that is done: a start of a container only reads.
 */
export class LocalContentStore implements ContentStore {
  readonly #paths: ContentPaths;
  readonly #database: Database;
  readonly #rows: BlobRows;
  #ingests: BlobIngests | undefined;

  constructor(directory: string, database: Database) {
    this.#paths = new ContentPaths(directory);
    this.#database = database;
    this.#rows = new BlobRows(database);
  }

  async info(digest: Digest): Promise<ContentInfo> {
    return contentInfo(this.#require(storableDigest(digest)));
  }

  async has(digest: Digest): Promise<boolean> {
    const row = this.#rows.find(digest);
    if (row !== undefined) return this.#problem(row) === undefined;
    // What has a row was checked with it.
    storableDigest(digest);
    return false;
  }

  async *list(): AsyncGenerator<ContentInfo> {
    for (const row of this.#rows.all()) if (this.#problem(row) === undefined) yield contentInfo(row);
  }

  async setLabels(digest: Digest, labels: Readonly<Record<string, string | undefined>>): Promise<ContentInfo> {
    return this.#database.transaction(() => {
      const row = this.#require(storableDigest(digest));
      const changed = changeLabels(row.labels, labels);
      this.#rows.setLabels(row.digest, changed);
      return { ...contentInfo(row), labels: changed };
    });
  }

  async delete(digest: Digest): Promise<void> {
    try {
      await using removal = await this.removal([storableDigest(digest)]);
      this.#database.transaction(() => removal.remove(digest));
    } catch (error) {
      throw storeFailure(`delete blob "${digest}"`, error);
    }
  }

  /** For removing blobs within a transaction. */
  async removal(digests: readonly Digest[]): Promise<BlobRemoval> {
    const { BlobRemoval } = await import("./blob-removal.ts");
    return await BlobRemoval.open(this.#paths, this.#rows, digests);
  }

  /** Of all blobs, damaged ones as well; within a transaction or a snapshot as that sees them. */
  rows(): readonly BlobRow[] {
    return this.#rows.all();
  }

  /** One of them, where it is there. */
  row(digest: Digest): BlobRow | undefined {
    return this.#rows.get(digest);
  }

  /** What a blob takes on the disk. */
  diskBytes(digest: Digest): number {
    return (statSync(this.#paths.blob(digest), { throwIfNoEntry: false })?.blocks ?? 0) * STAT_BLOCK_BYTES;
  }

  /** What dead processes have left on the disk. */
  async leftovers(): Promise<ContentLeftovers> {
    const { ContentLeftovers } = await import("./content-leftovers.ts");
    return new ContentLeftovers(this.#paths, this.#rows, this.#database);
  }

  async *read(digest: Digest, range?: ByteRange): AsyncGenerator<Buffer> {
    const info = this.#require(storableDigest(digest));
    const onDamage = (): void => this.#database.transaction(() => this.#rows.setDamaged(digest, Date.now()));
    try {
      yield* readBlobFile({ path: this.#paths.blob(digest), info, onDamage }, range);
    } catch (error) {
      throw storeFailure(`read blob "${digest}"`, error);
    }
  }

  async ingest(
    descriptor: Pick<Descriptor, "digest" | "size">,
    options: IngestOptions = {},
  ): Promise<LocalIngest | undefined> {
    return await (await this.#taking()).ingest(descriptor, options);
  }

  /** Those that cannot be used any more, as far as it can be told without reading them. */
  async *lacking(): AsyncGenerator<DamagedBlob> {
    for (const row of this.#rows.all()) {
      const { digest, sizeBytes } = row;
      const problem = this.#problem(row);
      if (problem !== undefined) yield { digest, sizeBytes, error: damagedBlob("invalid", digest, problem) };
    }
  }

  /** Reads everything and tells which blobs the disk has changed or lost. They are not visible from then on. */
  async *damaged(signal?: AbortSignal): AsyncGenerator<DamagedBlob> {
    for (const row of this.#rows.all()) {
      const { digest, sizeBytes } = row;
      const problem = this.#problem(row);
      const error =
        problem === undefined ? await this.#verify(digest, signal) : damagedBlob("invalid", digest, problem);
      if (error !== undefined) yield { digest, sizeBytes, error };
    }
  }

  async #verify(digest: Digest, signal: AbortSignal | undefined): Promise<OrlopError | undefined> {
    try {
      for await (const _ of this.read(digest)) if (signal?.aborted) throw cancelledCheck(signal);
    } catch (error) {
      if (error instanceof OrlopError && (error.code === "invalid" || error.code === "failed")) return error;
      // Deleted since.
      if (!(error instanceof OrlopError) || error.code !== "not-found") throw error;
    }
    return undefined;
  }

  async *ingests(): AsyncGenerator<IngestStatus> {
    yield* (await this.#taking()).list();
  }

  async abort(digest: Digest): Promise<void> {
    (await this.#taking()).abort(digest);
  }

  async #taking(): Promise<BlobIngests> {
    const { BlobIngests } = await import("./blob-ingests.ts");
    this.#ingests ??= new BlobIngests({
      paths: this.#paths,
      rows: this.#rows,
      database: this.#database,
      has: (digest) => this.has(digest),
    });
    return this.#ingests;
  }

  #require(digest: Digest): BlobRow {
    const row = this.#rows.get(digest);
    if (row === undefined) throw unknownBlob(digest);
    const problem = this.#problem(row);
    if (problem !== undefined) throw damagedBlob("not-found", digest, problem);
    return row;
  }

  /** Why a blob with a row cannot be used. */
  #problem({
    digest,
    sizeBytes,
    damagedAtMs,
  }: Pick<BlobRow, "digest" | "sizeBytes" | "damagedAtMs">): string | undefined {
    if (damagedAtMs !== undefined) return "the disk has changed its content";
    const found = statSync(this.#paths.blob(digest), { throwIfNoEntry: false });
    if (found === undefined) return "its file is gone";
    return found.size === sizeBytes ? undefined : `its file has ${found.size} bytes instead of ${sizeBytes}`;
  }
}

function contentInfo({ digest, sizeBytes, createdAtMs, labels }: BlobRow): ContentInfo {
  return { digest, sizeBytes, createdAtMs, labels };
}

function cancelledCheck(signal: AbortSignal): OrlopError {
  return new OrlopError("cancelled", "Cannot check content: it was ended before all was read", {
    cause: signal.reason,
  });
}
