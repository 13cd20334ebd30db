import type { Endpoint } from "@orlop/core";
import type { Database, DatabaseComponent, DatabaseRow } from "@orlop/image";
import type { Pod, PodDescription, PodPhase, PodState } from "./pod-description.ts";

export const POD_TABLES: DatabaseComponent = {
  name: "pods",
  steps: [
    `create table pods (
       id text primary key,
       name text not null unique,
       created_at_ms integer not null,
       phase text not null,
       started_at_ms integer,
       endpoints text not null default '[]',
       description text not null
     ) strict, without rowid;
     create table pod_members (
       pod text not null,
       container text not null unique,
       primary key (pod, container)
     ) strict, without rowid;`,
  ],
};

/** Rows of pods and of who belongs to them; changes are made within transactions of the caller's. */
export class PodRows {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  get(id: string): Pod | undefined {
    const row = this.#database.get("select * from pods where id = ?", id);
    return row && decodePod(row);
  }

  named(name: string): Pod | undefined {
    const row = this.#database.get("select * from pods where name = ?", name);
    return row && decodePod(row);
  }

  /** Ids that begin so, at most two. */
  withPrefix(prefix: string): readonly string[] {
    const sql = "select id from pods where id >= ? and id < ? order by id limit 2";
    return this.#database.all(sql, prefix, `${prefix}g`).map(({ id }) => String(id));
  }

  /** Those made last first. */
  list(): readonly Pod[] {
    return this.#database.all("select * from pods order by created_at_ms desc, id").map(decodePod);
  }

  /** Those of which something is shared now. */
  running(): readonly Pod[] {
    return this.#database.all("select * from pods where phase = 'running' order by id").map(decodePod);
  }

  /** Ids of its containers. */
  members(pod: string): readonly string[] {
    return this.#database
      .all("select container from pod_members where pod = ?", pod)
      .map(({ container }) => String(container));
  }

  insert(description: PodDescription): void {
    const { id, name, createdAtMs } = description;
    const sql = "insert into pods (id, name, created_at_ms, phase, description) values (?, ?, ?, 'created', ?)";
    this.#database.run(sql, id, name, createdAtMs, JSON.stringify(description));
  }

  /** Nothing for a pod that is gone. */
  setState(id: string, { phase, startedAtMs, endpoints }: PodState): void {
    const sql = "update pods set phase = ?, started_at_ms = ?, endpoints = ? where id = ?";
    this.#database.run(sql, phase, startedAtMs ?? null, JSON.stringify(endpoints), id);
  }

  addMember(pod: string, container: string): void {
    this.#database.run("insert into pod_members (pod, container) values (?, ?)", pod, container);
  }

  /** Nothing for a container of no pod. */
  removeMember(container: string): void {
    this.#database.run("delete from pod_members where container = ?", container);
  }

  delete(id: string): void {
    this.#database.run("delete from pods where id = ?", id);
  }
}

/** Our own rows: what is in them was written by this or an older orlop, and steps of the tables keep up with that. */
function decodePod(row: DatabaseRow): Pod {
  return {
    ...(JSON.parse(String(row.description)) as PodDescription),
    state: {
      phase: String(row.phase) as PodPhase,
      startedAtMs: row.started_at_ms === null ? undefined : Number(row.started_at_ms),
      endpoints: JSON.parse(String(row.endpoints)) as readonly Endpoint[],
    },
  };
}
