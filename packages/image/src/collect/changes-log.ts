import { generateId } from "@orlop/core";
import { randomBytes } from "@orlop/kernel";
import type { Database } from "../database/database.ts";
import type { DatabaseComponent } from "../database/database-component.ts";
import { isLeaseOwnerAlive, ownLeaseOwner } from "../store/lease-owner.ts";

/** What others change while somebody collects garbage, so that he need not look at everything again for each change. */
export const CHANGES_COMPONENT: DatabaseComponent = {
  name: "gc",
  steps: [
    `create table gc_collections (id text primary key, owner text not null) strict, without rowid;
     create table gc_changes (seq integer primary key autoincrement, id text not null) strict`,
  ],
};

/**
 * SQL that notes rows of blobs or snapshots that are made, changed and removed, as long as anybody collects garbage; at other
 * times it costs a look into an empty table.
 *
 * @param columns whose change may make others stay or go
 * @param id SQL for the resource's id of a row, `new` or `old`
 */
export function changeTriggers(table: string, columns: readonly string[], id: (row: "new" | "old") => string): string {
  return [
    noteTrigger(table, "made", "insert", [id("new")]),
    noteTrigger(table, "changed", `update of ${columns.join(", ")}`, [id("old"), id("new")]),
    noteTrigger(table, "removed", "delete", [id("old")]),
  ].join("\n");
}

function noteTrigger(table: string, name: string, event: string, ids: readonly string[]): string {
  return `create trigger gc_${table}_${name} after ${event} on ${table} when exists (select 1 from gc_collections) begin
    ${ids.map((id) => `insert into gc_changes (id) values (${id});`).join(" ")}
  end;`;
}

const TARGET = "json_extract(new.target, '$.digest')";
const KEPT = "case new.kind when 'content' then new.key else new.snapshotter || ' ' || new.key end";

/** Of a store's blobs, and of what names and leases come to stand for; added behind the components of all three. */
export const STORE_CHANGES_COMPONENT: DatabaseComponent = {
  name: "gc_store",
  steps: [
    [
      changeTriggers("blobs", ["labels"], (row) => `${row}.digest`),
      noteTrigger("images", "made", "insert", [TARGET]),
      noteTrigger("images", "changed", "update of target", [TARGET]),
      noteTrigger("lease_resources", "made", "insert", [KEPT]),
    ].join("\n"),
  ],
};

/** The changes during one collection. All methods are called within a transaction. */
export class ChangesLog {
  readonly #database: Database;
  readonly #id = generateId(randomBytes);
  #seen = 0;

  constructor(database: Database) {
    this.#database = database;
  }

  /** From the end of the transaction on, changes are noted. */
  begin(): void {
    for (const { id, owner } of this.#database.all("select id, owner from gc_collections")) {
      if (!isLeaseOwnerAlive(String(owner))) this.#forget(String(id));
    }
    this.#database.run("insert into gc_collections (id, owner) values (?, ?)", this.#id, ownLeaseOwner());
    this.skip();
  }

  /** Ids of what has been changed since the last call, and of what has got a name or a lease. */
  read(): readonly string[] {
    const rows = this.#database.all("select seq, id from gc_changes where seq > ? order by seq", this.#seen);
    this.#seen = Number(rows.at(-1)?.seq ?? this.#seen);
    return rows.map(({ id }) => String(id));
  }

  /** Changes until now are one's own. */
  skip(): void {
    this.#seen = Number(this.#database.get("select max(seq) as last from gc_changes")?.last ?? this.#seen);
  }

  end(): void {
    this.#forget(this.#id);
  }

  #forget(id: string): void {
    this.#database.run("delete from gc_collections where id = ?", id);
    if (this.#database.get("select 1 from gc_collections") === undefined) this.#database.run("delete from gc_changes");
  }
}
