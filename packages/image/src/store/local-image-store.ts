import {
  type Descriptor,
  decodeDescriptor,
  type ImageRecord,
  type ImageStore,
  type Labels,
  OrlopError,
} from "@orlop/core";
import type { Database, DatabaseRow } from "../database/database.ts";
import type { DatabaseComponent } from "../database/database-component.ts";
import { decodeLabels, encodeLabels } from "./labels-column.ts";

const IMAGES_COMPONENT: DatabaseComponent = {
  name: "images",
  steps: [
    `create table images (
      name text primary key,
      target text not null,
      labels text not null,
      created_at_ms integer not null,
      updated_at_ms integer not null
    ) strict, without rowid`,
  ],
};

const TARGETS_MAX = 256;

/** The `ImageStore` contract on a database. A name that has been put outlasts a power cut, with all blobs before it. */
export class LocalImageStore implements ImageStore {
  readonly #database: Database;
  /** Of the rows that were read last, by their text. */
  readonly #targets = new Map<string, Descriptor>();

  constructor(database: Database) {
    database.add(IMAGES_COMPONENT);
    this.#database = database;
  }

  async get(name: string): Promise<ImageRecord> {
    const row = this.#database.get("select * from images where name = ?", name);
    if (row === undefined) throw unknownImage(name);
    return this.#decode(row);
  }

  async list(): Promise<readonly ImageRecord[]> {
    return this.records();
  }

  /** All of them; within a transaction or a snapshot as that sees them. */
  records(): readonly ImageRecord[] {
    return this.#database.all("select * from images order by name").map((row) => this.#decode(row));
  }

  async put(name: string, target: Descriptor, labels: Labels = {}): Promise<ImageRecord> {
    const now = Date.now();
    const sql = `insert into images (name, target, labels, created_at_ms, updated_at_ms) values (?, ?, ?, ?, ?)
      on conflict (name) do update set target = excluded.target, labels = excluded.labels,
      updated_at_ms = excluded.updated_at_ms`;
    return this.#database.transaction(() => {
      this.#database.run(sql, name, JSON.stringify(target), encodeLabels(labels), now, now);
      const row = this.#database.get("select * from images where name = ?", name);
      if (row === undefined) throw unknownImage(name);
      return this.#decode(row);
    });
  }

  async delete(name: string): Promise<void> {
    const changed = this.#database.transaction(() => this.#database.run("delete from images where name = ?", name));
    if (changed === 0) throw unknownImage(name);
  }

  #decode(row: DatabaseRow): ImageRecord {
    return {
      name: String(row.name),
      target: this.#target(String(row.target)),
      labels: decodeLabels(row.labels),
      createdAtMs: Number(row.created_at_ms),
      updatedAtMs: Number(row.updated_at_ms),
    };
  }

  #target(text: string): Descriptor {
    const known = this.#targets.get(text);
    if (known !== undefined) return known;
    if (this.#targets.size >= TARGETS_MAX) this.#targets.clear();
    const target = decodeDescriptor(text);
    this.#targets.set(text, target);
    return target;
  }
}

function unknownImage(name: string): OrlopError {
  return new OrlopError("not-found", `Cannot find image "${name}": there is none of this name`);
}
