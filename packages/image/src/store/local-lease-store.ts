import {
  generateId,
  type Lease,
  type LeaseOptions,
  type LeaseResource,
  type LeaseStore,
  OrlopError,
} from "@orlop/core";
import { randomBytes } from "@orlop/kernel";
import type { Database, DatabaseRow } from "../database/database.ts";
import type { DatabaseComponent } from "../database/database-component.ts";
import { decodeLabels, encodeLabels } from "./labels-column.ts";
import { isLeaseOwnerAlive, leaseOwner, ownLeaseOwner } from "./lease-owner.ts";

const LEASES_COMPONENT: DatabaseComponent = {
  name: "leases",
  steps: [
    `create table leases (
      id text primary key,
      created_at_ms integer not null,
      expires_at_ms integer,
      owner text,
      labels text not null
    ) strict, without rowid;
    create table lease_resources (
      lease text not null references leases (id) on delete cascade,
      kind text not null,
      snapshotter text not null,
      key text not null,
      primary key (lease, kind, snapshotter, key)
    ) strict, without rowid`,
  ],
};

/** The `LeaseStore` contract on a database. */
export class LocalLeaseStore implements LeaseStore {
  readonly #database: Database;

  constructor(database: Database) {
    database.add(LEASES_COMPONENT);
    this.#database = database;
  }

  async create(options: LeaseOptions = {}): Promise<Lease> {
    const { id = generateId(randomBytes), expiresInMs, processMark, labels = {}, resources = [] } = options;
    const createdAtMs = Date.now();
    const expiresAtMs = expiresInMs === undefined ? undefined : createdAtMs + expiresInMs;
    const process = processMark === undefined ? ownLeaseOwner() : leaseOwner(processMark);
    const owner = expiresAtMs === undefined ? process : null;
    const work = (): void => {
      const sql = `insert into leases (id, created_at_ms, expires_at_ms, owner, labels) values (?, ?, ?, ?, ?)
        on conflict do nothing`;
      const insert = (): number =>
        this.#database.run(sql, id, createdAtMs, expiresAtMs ?? null, owner, encodeLabels(labels));
      if (insert() === 0) {
        if (this.#find(id) !== undefined) throw new OrlopError("exists", `Cannot make lease "${id}": there is one`);
        // One that has ended and that nobody has removed yet.
        this.#database.run("delete from leases where id = ?", id);
        insert();
      }
      for (const resource of resources) this.#keep(id, resource);
    };
    // One that ends with its process need not outlast the machine.
    this.#database.transaction(work, { durable: owner === null });
    return { id, createdAtMs, labels, ...(expiresAtMs === undefined ? {} : { expiresAtMs }) };
  }

  async delete(id: string): Promise<void> {
    this.#database.transaction(() => this.#database.run("delete from leases where id = ?", id), { durable: false });
  }

  async list(): Promise<readonly Lease[]> {
    return this.#database.all("select * from leases order by id").filter(isLive).map(decodeLease);
  }

  async add(id: string, resource: LeaseResource): Promise<void> {
    const work = (): void => {
      if (this.#find(id) === undefined) {
        throw new OrlopError("not-found", `Cannot use lease "${id}": there is none, or it has ended`);
      }
      this.#keep(id, resource);
    };
    this.#database.transaction(work, { durable: false });
  }

  async remove(id: string, resource: LeaseResource): Promise<void> {
    const sql = "delete from lease_resources where lease = ? and kind = ? and snapshotter = ? and key = ?";
    this.#database.transaction(() => this.#database.run(sql, id, ...resourceColumns(resource)), { durable: false });
  }

  async resources(id: string): Promise<readonly LeaseResource[]> {
    const sql = "select kind, snapshotter, key from lease_resources where lease = ? order by kind, snapshotter, key";
    return this.#database.all(sql, id).map(decodeResource);
  }

  /** What leases keep that have not ended; within a transaction or a snapshot as that sees them. */
  kept(): readonly LeaseResource[] {
    const live = this.#database.all("select * from leases").filter(isLive);
    const sql = "select kind, snapshotter, key from lease_resources where lease = ?";
    return live.flatMap(({ id }) => this.#database.all(sql, String(id)).map(decodeResource));
  }

  /** Whether there are any that have ended and that nobody has removed. */
  hasEnded(): boolean {
    return this.#database.all("select * from leases").some((row) => !isLive(row));
  }

  /** Removes those that have ended, and gives their ids. */
  removeEnded(): readonly string[] {
    const work = (): readonly string[] => {
      const ended = this.#database.all("select * from leases").filter((row) => !isLive(row));
      return ended.map(({ id }) => {
        this.#database.run("delete from leases where id = ?", String(id));
        return String(id);
      });
    };
    return this.#database.transaction(work, { durable: false });
  }

  #keep(id: string, resource: LeaseResource): void {
    const sql = "insert or ignore into lease_resources (lease, kind, snapshotter, key) values (?, ?, ?, ?)";
    this.#database.run(sql, id, ...resourceColumns(resource));
  }

  #find(id: string): DatabaseRow | undefined {
    const row = this.#database.get("select * from leases where id = ?", id);
    return row !== undefined && isLive(row) ? row : undefined;
  }
}

function isLive({ expires_at_ms: expiresAtMs, owner }: DatabaseRow): boolean {
  if (expiresAtMs !== null) return Number(expiresAtMs) > Date.now();
  return owner === null || isLeaseOwnerAlive(String(owner));
}

function decodeLease(row: DatabaseRow): Lease {
  return {
    id: String(row.id),
    createdAtMs: Number(row.created_at_ms),
    labels: decodeLabels(row.labels),
    ...(row.expires_at_ms === null ? {} : { expiresAtMs: Number(row.expires_at_ms) }),
  };
}

function resourceColumns(resource: LeaseResource): readonly [string, string, string] {
  return resource.kind === "content"
    ? [resource.kind, "", resource.digest]
    : [resource.kind, resource.snapshotter, resource.key];
}

function decodeResource({ kind, snapshotter, key }: DatabaseRow): LeaseResource {
  if (kind === "content") return { kind, digest: String(key) };
  return { kind: "snapshot", snapshotter: String(snapshotter), key: String(key) };
}
