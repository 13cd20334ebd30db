import { mkdirSync, renameSync, statSync } from "node:fs";
import {
  type ByteRange,
  type ContentInfo,
  type ContentStore,
  type Descriptor,
  type Digest,
  type IngestOptions,
  type IngestStatus,
  type Labels,
  OrlopError,
} from "@orlop/core";
import type { Database } from "../database/database.ts";
import { BlobRemoval, STAT_BLOCK_BYTES } from "./blob-removal.ts";
import { type BlobRow, BlobRows } from "./blob-rows.ts";
import { ContentLeftovers } from "./content-leftovers.ts";
import { ContentPaths, storableDigest } from "./content-paths.ts";
import { damagedBlob, storeFailure, unknownBlob } from "./content-problems.ts";
import { checkSize, IngestDirectory } from "./ingest-directory.ts";
import { IngestTurns } from "./ingest-turns.ts";
import { changeLabels } from "./labels-column.ts";
import { LocalIngest } from "./local-ingest.ts";
import { readRangesLog } from "./ranges-log.ts";
import { readBlobFile } from "./read-blob-file.ts";
import { syncDirectory } from "./sync-directory.ts";

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
 */
export class LocalContentStore implements ContentStore {
  readonly #paths: ContentPaths;
  readonly #database: Database;
  readonly #rows: BlobRows;
  readonly #turns = new IngestTurns();

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
  leftovers(): ContentLeftovers {
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
    const digest = storableDigest(descriptor.digest);
    checkSize(digest, descriptor.size);
    if (await this.#isHere(digest, descriptor.size)) return undefined;
    const endTurn = await this.#turns.take(digest, options);
    let directory: IngestDirectory | undefined;
    try {
      directory = await IngestDirectory.take(this.#paths.ingest(digest), options);
      const ingest = (await this.#isHere(digest, descriptor.size))
        ? undefined
        : await this.#begin(digest, descriptor.size, directory, endTurn);
      if (ingest !== undefined) return ingest;
      directory.remove();
      endTurn();
      return undefined;
    } catch (error) {
      directory?.[Symbol.dispose]();
      endTurn();
      throw storeFailure(`store blob "${digest}"`, error);
    }
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
    for (const digest of this.#paths.ingestDigests()) {
      const paths = this.#paths.ingest(digest);
      using idle = IngestDirectory.try(paths);
      const record = readRangesLog(paths.ranges);
      // Killed before there was anything, or after the blob had become visible.
      if (idle !== undefined && (record === undefined || (await this.has(digest)))) idle.remove();
      if (record === undefined || (await this.has(digest))) continue;
      const { sizeBytes, startedAtMs, written } = record;
      yield { digest, sizeBytes, startedAtMs, writtenBytes: written.totalBytes, active: idle === undefined };
    }
  }

  async abort(digest: Digest): Promise<void> {
    IngestDirectory.try(this.#paths.ingest(storableDigest(digest)))?.remove();
  }

  /** @throws OrlopError `invalid` where it is, and has another size than a descriptor says */
  async #isHere(digest: Digest, sizeBytes: number): Promise<boolean> {
    if (!(await this.has(digest))) return false;
    const found = this.#rows.get(digest)?.sizeBytes ?? sizeBytes;
    if (found === sizeBytes) return true;
    const what = `its descriptor says that it has ${sizeBytes} bytes, and it has ${found}`;
    throw new OrlopError("invalid", `Cannot store blob "${digest}": ${what}`, { operation: "store blob" });
  }

  async #begin(digest: Digest, sizeBytes: number, directory: IngestDirectory, onEnd: () => void): Promise<LocalIngest> {
    const blobPath = this.#paths.blob(digest);
    const row = this.#rows.get(digest);
    const left = statSync(blobPath, { throwIfNoEntry: false });
    // Of a process that ended between making it durable and visible.
    if (row === undefined && left?.size === sizeBytes) directory.adopt(blobPath, sizeBytes, Date.now());
    const publish = (labels: Labels): Promise<ContentInfo> => this.#publish(digest, sizeBytes, labels);
    return await LocalIngest.open({ digest, sizeBytes, directory, blobPath, publish, onEnd });
  }

  async #publish(digest: Digest, sizeBytes: number, labels: Labels): Promise<ContentInfo> {
    const directory = this.#paths.algorithm(digest);
    const made = mkdirSync(directory, { recursive: true, mode: 0o700 });
    renameSync(this.#paths.ingest(digest).data, this.#paths.blob(digest));
    if (made !== undefined) await syncDirectory(this.#paths.blobs);
    await syncDirectory(directory);
    const info: ContentInfo = { digest, sizeBytes, createdAtMs: Date.now(), labels };
    this.#database.transaction(() => this.#rows.put(info), { durable: false });
    return info;
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
