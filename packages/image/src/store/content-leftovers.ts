import { existsSync, rmSync, statSync } from "node:fs";
import type { Digest } from "@orlop/core";
import type { Database } from "../database/database.ts";
import type { BlobRows } from "./blob-rows.ts";
import { type ContentPaths, STAT_BLOCK_BYTES } from "./content-paths.ts";
import { IngestDirectory } from "./ingest-directory.ts";

/** What is left of a blob that never became visible. */
interface Leftover {
  /** Part of it, or all of it without a row: its process ended between making it durable and visible. */
  readonly kind: "ingest" | "file";
  readonly digest: Digest;
  readonly diskBytes: number;
  /** When it was written to last. */
  readonly touchedAtMs: number;
}

/**
 * What processes that are gone have left of blobs: the next ingest of such a blob goes on with it, so that it costs time to
 * remove it too early, and nothing else. What a process is at is none.
 */
export class ContentLeftovers {
  readonly #paths: ContentPaths;
  readonly #rows: BlobRows;
  readonly #database: Database;

  constructor(paths: ContentPaths, rows: BlobRows, database: Database) {
    this.#paths = paths;
    this.#rows = rows;
    this.#database = database;
  }

  list(): readonly Leftover[] {
    const known = this.#rows.digests();
    const ingests = this.#paths.ingestDigests().flatMap((digest) => this.#idleIngest(digest) ?? []);
    const files = this.#paths.blobDigests().filter((digest) => !known.has(digest));
    return [...ingests, ...files.flatMap((digest) => this.#file(digest) ?? [])];
  }

  /** Whether it was still there, and nobody at it. */
  remove({ kind, digest }: Leftover): boolean {
    const paths = this.#paths.ingest(digest);
    // Whoever makes a file a blob holds this from before it has its place until it has a row.
    const directory = kind === "ingest" ? IngestDirectory.try(paths) : IngestDirectory.claim(paths);
    if (directory === undefined) return false;
    try {
      if (kind === "file") this.#removeFile(digest);
      if (kind === "ingest" || !existsSync(paths.ranges)) directory.remove();
    } finally {
      directory[Symbol.dispose]();
    }
    return true;
  }

  #removeFile(digest: Digest): void {
    this.#database.transaction(
      () => {
        if (this.#rows.get(digest) === undefined) rmSync(this.#paths.blob(digest), { force: true });
      },
      { durable: false },
    );
  }

  #idleIngest(digest: Digest): Leftover | undefined {
    const paths = this.#paths.ingest(digest);
    using directory = IngestDirectory.try(paths);
    if (directory === undefined) return undefined;
    const stats = [paths.data, paths.ranges].flatMap((path) => statSync(path, { throwIfNoEntry: false }) ?? []);
    const diskBytes = stats.reduce((sum, { blocks }) => sum + blocks * STAT_BLOCK_BYTES, 0);
    return { kind: "ingest", digest, diskBytes, touchedAtMs: Math.max(0, ...stats.map(({ mtimeMs }) => mtimeMs)) };
  }

  #file(digest: Digest): Leftover | undefined {
    const stat = statSync(this.#paths.blob(digest), { throwIfNoEntry: false });
    // Renaming to its place, the last that happened to it, changed no content: only this time tells.
    return stat && { kind: "file", digest, diskBytes: stat.blocks * STAT_BLOCK_BYTES, touchedAtMs: stat.ctimeMs };
  }
}
