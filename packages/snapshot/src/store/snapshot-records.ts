import { type Labels, OrlopError, type SnapshotInfo, type SnapshotKind, type SnapshotUsage } from "@orlop/core";
import {
  CHANGES_COMPONENT,
  changeTriggers,
  type Database,
  type DatabaseComponent,
  type DatabaseRow,
} from "@orlop/image";

/** Ids are not used a second time: they name directories. */
const COMPONENT: DatabaseComponent = {
  name: "snapshots",
  steps: [
    `create table snapshots (
       id integer primary key autoincrement,
       snapshotter text not null,
       key text not null,
       kind text not null,
       parent integer references snapshots (id),
       labels text not null,
       created_at_ms integer not null,
       updated_at_ms integer not null,
       size_bytes integer,
       inodes integer,
       unique (snapshotter, key)
     ) strict;
     create index snapshots_parent on snapshots (parent)`,
  ],
};

/** Whoever collects garbage is to know of changes to what he has seen. */
const NOTED: DatabaseComponent = {
  name: "gc_snapshots",
  steps: [
    changeTriggers(
      "snapshots",
      ["key", "kind", "parent", "labels"],
      (row) => `${row}.snapshotter || ' ' || ${row}.key`,
    ),
  ],
};

const ROWS =
  "select own.*, above.key as parent_key from snapshots own left join snapshots above on above.id = own.parent";

export interface SnapshotRecord {
  readonly id: number;
  readonly info: SnapshotInfo;
  readonly parentId: number | undefined;
  /** Of a committed one, once it has been asked for. */
  readonly usage: SnapshotUsage | undefined;
}

/** What is below of a committed snapshot, which stays as it is for as long as the row is there. */
interface KnownChain {
  /** What tells the row from another one of the same id, in a database that was made again of an older state. */
  readonly row: string;
  readonly ids: readonly number[];
}

/** Images that are in use at a time are fewer. */
const CHAINS_MAX = 256;

/** What is known of one snapshotter's snapshots, for all processes that use it. */
export class SnapshotRecords {
  readonly #database: Database;
  readonly #snapshotter: string;
  /** Of those that something was made on last, by their names. */
  readonly #chains = new Map<string, KnownChain>();

  constructor(database: Database, snapshotter: string) {
    for (const component of [COMPONENT, CHANGES_COMPONENT, NOTED]) database.add(component);
    this.#database = database;
    this.#snapshotter = snapshotter;
  }

  /** No other process changes records meanwhile. `durable`: a power cut does not undo it. */
  exclusively<T>(work: () => T, { durable = true }: { readonly durable?: boolean } = {}): T {
    return this.#database.transaction(work, { durable });
  }

  get(key: string): SnapshotRecord | undefined {
    const row = this.#database.get(`${ROWS} where own.snapshotter = ? and own.key = ?`, this.#snapshotter, key);
    return row && decode(row);
  }

  /** @throws OrlopError `not-found` */
  find(key: string): SnapshotRecord {
    const found = this.get(key);
    if (found === undefined) throw this.#unknown(key);
    return found;
  }

  /** The least of one that says which it is. @throws OrlopError `not-found` */
  identify(key: string): { readonly id: number; readonly kind: SnapshotKind } {
    const sql = "select id, kind from snapshots where snapshotter = ? and key = ?";
    const row = this.#database.get(sql, this.#snapshotter, key);
    if (row === undefined) throw this.#unknown(key);
    return { id: Number(row.id), kind: String(row.kind) as SnapshotKind };
  }

  all(): readonly SnapshotRecord[] {
    return this.#database.all(`${ROWS} where own.snapshotter = ? order by own.id`, this.#snapshotter).map(decode);
  }

  /**
   * Ids of a committed snapshot and of those below it, the uppermost first.
   *
   * @throws OrlopError `not-found`, `invalid` for one that is not committed
   */
  chain(name: string | undefined): readonly number[] {
    if (name === undefined) return [];
    const sql = "select id, kind, parent, created_at_ms from snapshots where snapshotter = ? and key = ?";
    const first = this.#database.get(sql, this.#snapshotter, name);
    if (first === undefined) throw this.#unknown(name);
    if (first.kind !== "committed") {
      throw new OrlopError("invalid", `Cannot use snapshot "${name}" as a parent: it is not committed`);
    }
    const { id, parent } = first;
    if (parent === null) return [Number(id)];
    const row = `${id} ${parent} ${first.created_at_ms}`;
    const known = this.#chains.get(name);
    if (known?.row === row) return known.ids;
    const ids = [Number(id), ...this.#below(Number(parent))];
    if (this.#chains.size >= CHAINS_MAX) this.#chains.clear();
    this.#chains.set(name, { row, ids });
    return ids;
  }

  /** Gives the id. @throws OrlopError `exists` */
  insert(key: string, kind: SnapshotKind, parentId: number | undefined, labels: Labels): number {
    const now = Date.now();
    const values = [this.#snapshotter, key, kind, parentId ?? null, JSON.stringify(labels), now, now];
    const id = this.#database.insert(
      `insert into snapshots (snapshotter, key, kind, parent, labels, created_at_ms, updated_at_ms)
       values (?, ?, ?, ?, ?, ?, ?) on conflict do nothing`,
      ...values,
    );
    if (id === undefined) throw this.#taken(key);
    return id;
  }

  /** Of an active snapshot makes a committed one. @throws OrlopError `exists` */
  commit(id: number, name: string, parentId: number | undefined, labels: Labels): void {
    this.checkFree(name);
    this.#database.run(
      "update snapshots set key = ?, kind = 'committed', parent = ?, labels = ?, updated_at_ms = ? where id = ?",
      ...[name, parentId ?? null, JSON.stringify(labels), Date.now(), id],
    );
  }

  setLabels(id: number, labels: Labels): void {
    const text = JSON.stringify(labels);
    this.#database.run("update snapshots set labels = ?, updated_at_ms = ? where id = ?", text, Date.now(), id);
  }

  setUsage(id: number, { sizeBytes, inodes }: SnapshotUsage): void {
    this.#database.run("update snapshots set size_bytes = ?, inodes = ? where id = ?", sizeBytes, inodes, id);
  }

  /** Gives the id that it had. @throws OrlopError `not-found`, `conflict` for the parent of another */
  delete(key: string): number {
    const { id } = this.identify(key);
    const child = this.#database.get("select key from snapshots where parent = ? limit 1", id);
    if (child !== undefined) {
      throw new OrlopError("conflict", `Cannot remove snapshot "${key}": "${child.key}" is on top of it`);
    }
    this.#database.run("delete from snapshots where id = ?", id);
    return id;
  }

  /** @throws OrlopError `exists` */
  checkFree(key: string): void {
    const sql = "select 1 from snapshots where snapshotter = ? and key = ?";
    if (this.#database.get(sql, this.#snapshotter, key) !== undefined) throw this.#taken(key);
  }

  /** An id and those below it. */
  #below(id: number): readonly number[] {
    const rows = this.#database.all(
      `with recursive chain (id, parent, depth) as (
         select id, parent, 0 from snapshots where id = ?
         union all
         select below.id, below.parent, depth + 1 from snapshots below, chain where below.id = chain.parent
       ) select id from chain order by depth`,
      id,
    );
    return rows.map((each) => Number(each.id));
  }

  #unknown(key: string): OrlopError {
    return new OrlopError("not-found", `Cannot find snapshot "${key}": "${this.#snapshotter}" has none of this name`);
  }

  #taken(key: string): OrlopError {
    return new OrlopError("exists", `Cannot make snapshot "${key}": "${this.#snapshotter}" has one of this name`);
  }
}

function decode(row: DatabaseRow): SnapshotRecord {
  const parent = row.parent_key === null ? {} : { parent: String(row.parent_key) };
  const hasUsage = row.size_bytes !== null && row.inodes !== null;
  return {
    id: Number(row.id),
    parentId: row.parent === null ? undefined : Number(row.parent),
    info: {
      kind: String(row.kind) as SnapshotKind,
      key: String(row.key),
      ...parent,
      labels: JSON.parse(String(row.labels)) as Labels,
      createdAtMs: Number(row.created_at_ms),
      updatedAtMs: Number(row.updated_at_ms),
    },
    usage: hasUsage ? { sizeBytes: Number(row.size_bytes), inodes: Number(row.inodes) } : undefined,
  };
}
