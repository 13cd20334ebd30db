import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Labels, OrlopError, type SnapshotInfo, type SnapshotKind, type SnapshotUsage } from "@orlop/core";
import type { Database, DatabaseRow } from "../database/database.ts";
import { changeTriggers } from "./changes-log.ts";
import type { CollectableSnapshots } from "./collectable-snapshots.ts";

const COMPONENT = {
  name: "fake-snapshots",
  steps: [
    `create table fakes (key text primary key, kind text, parent text, labels text, id integer) strict;
     create index fakes_parent on fakes (parent)`,
    changeTriggers("fakes", ["key", "parent", "labels"], (row) => `'fake ' || ${row}.key`),
  ],
};

/** Snapshots that are rows and files, as those of the snapshot package are rows and directories. */
export class FakeSnapshots implements CollectableSnapshots {
  readonly name = "fake";
  readonly #database: Database;
  readonly #directory: string;

  constructor(root: string, database: Database) {
    database.add(COMPONENT);
    this.#database = database;
    this.#directory = join(root, "fakes");
  }

  has(key: string): boolean {
    return this.#database.get("select 1 from fakes where key = ?", key) !== undefined;
  }

  /** @throws OrlopError `exists`, `not-found` for a parent that is not there */
  make(key: string, parent?: string, { kind = "committed", labels = {} }: MakeOptions = {}): void {
    mkdirSync(this.#directory, { recursive: true });
    this.#database.transaction(() => {
      if (this.has(key)) throw new OrlopError("exists", `there is a ${key}`);
      if (parent !== undefined && !this.has(parent)) throw new OrlopError("not-found", `there is no ${parent}`);
      const next = Number(this.#database.get("select coalesce(max(id), 0) + 1 as next from fakes")?.next);
      const sql = "insert into fakes (key, kind, parent, labels, id) values (?, ?, ?, ?, ?)";
      this.#database.run(sql, key, kind, parent ?? null, JSON.stringify(labels), next);
      writeFileSync(join(this.#directory, fileName(key)), "x".repeat(5000));
    });
  }

  records(): readonly SnapshotInfo[] {
    return this.#database.all("select * from fakes order by key").map(decode);
  }

  record(key: string): SnapshotInfo | undefined {
    const row = this.#database.get("select * from fakes where key = ?", key);
    return row && decode(row);
  }

  forget(key: string): void {
    const child = this.#database.get("select key from fakes where parent = ?", key);
    if (child !== undefined) throw new OrlopError("conflict", `${child.key} is on top of ${key}`);
    this.#database.run("delete from fakes where key = ?", key);
  }

  async usage(key: string): Promise<SnapshotUsage> {
    if (!this.has(key)) throw new OrlopError("not-found", `there is no ${key}`);
    return { sizeBytes: 8192, inodes: 1 };
  }

  async cleanup(): Promise<void> {
    this.#database.transaction(() => {
      const known = new Set(this.records().map(({ key }) => fileName(key)));
      for (const name of this.files()) if (!known.has(name)) rmSync(join(this.#directory, name));
    });
  }

  files(): readonly string[] {
    try {
      return readdirSync(this.#directory).sort();
    } catch {
      return [];
    }
  }
}

interface MakeOptions {
  readonly kind?: SnapshotKind;
  readonly labels?: Labels;
}

function fileName(key: string): string {
  return Buffer.from(key).toString("hex");
}

function decode(row: DatabaseRow): SnapshotInfo {
  return {
    key: String(row.key),
    kind: String(row.kind) as SnapshotKind,
    ...(row.parent === null ? {} : { parent: String(row.parent) }),
    labels: JSON.parse(String(row.labels)) as Labels,
    createdAtMs: 0,
    updatedAtMs: 0,
  };
}
