import { mkdirSync, renameSync, statSync } from "node:fs";
import {
  type ContentInfo,
  type Descriptor,
  type Digest,
  type IngestOptions,
  type IngestStatus,
  type Labels,
  OrlopError,
} from "@orlop/core";
import type { Database } from "../database/database.ts";
import type { BlobRows } from "./blob-rows.ts";
import { type ContentPaths, storableDigest } from "./content-paths.ts";
import { storeFailure } from "./content-problems.ts";
import { checkSize, IngestDirectory } from "./ingest-directory.ts";
import { IngestTurns } from "./ingest-turns.ts";
import { LocalIngest } from "./local-ingest.ts";
import { readRangesLog } from "./ranges-log.ts";
import { syncDirectory } from "./sync-directory.ts";

/** Of the store that blobs go into. */
interface StoreParts {
  readonly paths: ContentPaths;
  readonly rows: BlobRows;
  readonly database: Database;
  /** Whether a blob is visible. */
  has(digest: Digest): Promise<boolean>;
}

/** Blobs on their way into a content store, one object for all of a process's: callers that want the same one take turns. */
export class BlobIngests {
  readonly #store: StoreParts;
  readonly #turns = new IngestTurns();

  constructor(store: StoreParts) {
    this.#store = store;
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
      directory = await IngestDirectory.take(this.#store.paths.ingest(digest), options);
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

  async *list(): AsyncGenerator<IngestStatus> {
    for (const digest of this.#store.paths.ingestDigests()) {
      const paths = this.#store.paths.ingest(digest);
      using idle = IngestDirectory.try(paths);
      const record = readRangesLog(paths.ranges);
      // Killed before there was anything, or after the blob had become visible.
      if (idle !== undefined && (record === undefined || (await this.#store.has(digest)))) idle.remove();
      if (record === undefined || (await this.#store.has(digest))) continue;
      const { sizeBytes, startedAtMs, written } = record;
      yield { digest, sizeBytes, startedAtMs, writtenBytes: written.totalBytes, active: idle === undefined };
    }
  }

  abort(digest: Digest): void {
    IngestDirectory.try(this.#store.paths.ingest(storableDigest(digest)))?.remove();
  }

  /** @throws OrlopError `invalid` where it is, and has another size than a descriptor says */
  async #isHere(digest: Digest, sizeBytes: number): Promise<boolean> {
    if (!(await this.#store.has(digest))) return false;
    const found = this.#store.rows.get(digest)?.sizeBytes ?? sizeBytes;
    if (found === sizeBytes) return true;
    const what = `its descriptor says that it has ${sizeBytes} bytes, and it has ${found}`;
    throw new OrlopError("invalid", `Cannot store blob "${digest}": ${what}`, { operation: "store blob" });
  }

  async #begin(digest: Digest, sizeBytes: number, directory: IngestDirectory, onEnd: () => void): Promise<LocalIngest> {
    const blobPath = this.#store.paths.blob(digest);
    const row = this.#store.rows.get(digest);
    const left = statSync(blobPath, { throwIfNoEntry: false });
    // Of a process that ended between making it durable and visible.
    if (row === undefined && left?.size === sizeBytes) directory.adopt(blobPath, sizeBytes, Date.now());
    const publish = (labels: Labels): Promise<ContentInfo> => this.#publish(digest, sizeBytes, labels);
    return await LocalIngest.open({ digest, sizeBytes, directory, blobPath, publish, onEnd });
  }

  async #publish(digest: Digest, sizeBytes: number, labels: Labels): Promise<ContentInfo> {
    const { paths, rows, database } = this.#store;
    const directory = paths.algorithm(digest);
    const made = mkdirSync(directory, { recursive: true, mode: 0o700 });
    renameSync(paths.ingest(digest).data, paths.blob(digest));
    if (made !== undefined) await syncDirectory(paths.blobs);
    await syncDirectory(directory);
    const info: ContentInfo = { digest, sizeBytes, createdAtMs: Date.now(), labels };
    database.transaction(() => rows.put(info), { durable: false });
    return info;
  }
}
