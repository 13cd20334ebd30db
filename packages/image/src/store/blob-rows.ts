import type { ContentInfo, Digest, Labels } from "@orlop/core";
import type { Database, DatabaseRow } from "../database/database.ts";
import type { DatabaseComponent } from "../database/database-component.ts";
import { decodeLabels, encodeLabels } from "./labels-column.ts";

const BLOBS_COMPONENT: DatabaseComponent = {
  name: "blobs",
  steps: [
    `create table blobs (
      digest text primary key,
      size_bytes integer not null,
      created_at_ms integer not null,
      labels text not null,
      damaged_at_ms integer
    ) strict, without rowid`,
  ],
};

export interface BlobRow extends ContentInfo {
  /** When it was found that the disk has changed the content. */
  readonly damagedAtMs?: number;
}

/** What the database knows of blobs. One is visible while it has a row, that of no damaged one, and a file of its size. */
export class BlobRows {
  readonly #database: Database;

  constructor(database: Database) {
    database.add(BLOBS_COMPONENT);
    this.#database = database;
  }

  get(digest: Digest): BlobRow | undefined {
    const row = this.#database.get("select * from blobs where digest = ?", digest);
    return row && decodeRow(row);
  }

  /** As much of one as says whether it is visible. */
  find(digest: Digest): Pick<BlobRow, "digest" | "sizeBytes" | "damagedAtMs"> | undefined {
    const row = this.#database.get("select size_bytes, damaged_at_ms from blobs where digest = ?", digest);
    return row && { digest, sizeBytes: Number(row.size_bytes), ...damage(row) };
  }

  all(): readonly BlobRow[] {
    return this.#database.all("select * from blobs order by digest").map(decodeRow);
  }

  digests(): ReadonlySet<string> {
    return new Set(this.#database.all("select digest from blobs").map(({ digest }) => String(digest)));
  }

  put({ digest, sizeBytes, createdAtMs, labels }: ContentInfo): void {
    const sql = "insert or replace into blobs (digest, size_bytes, created_at_ms, labels) values (?, ?, ?, ?)";
    this.#database.run(sql, digest, sizeBytes, createdAtMs, encodeLabels(labels));
  }

  setLabels(digest: Digest, labels: Labels): void {
    this.#database.run("update blobs set labels = ? where digest = ?", encodeLabels(labels), digest);
  }

  setDamaged(digest: Digest, damagedAtMs: number): void {
    this.#database.run("update blobs set damaged_at_ms = ? where digest = ?", damagedAtMs, digest);
  }

  delete(digest: Digest): boolean {
    return this.#database.run("delete from blobs where digest = ?", digest) > 0;
  }
}

function decodeRow(row: DatabaseRow): BlobRow {
  return {
    digest: String(row.digest) as Digest,
    sizeBytes: Number(row.size_bytes),
    createdAtMs: Number(row.created_at_ms),
    labels: decodeLabels(row.labels),
    ...damage(row),
  };
}

function damage({ damaged_at_ms: atMs }: DatabaseRow): Pick<BlobRow, "damagedAtMs"> {
  return atMs === null ? {} : { damagedAtMs: Number(atMs) };
}
