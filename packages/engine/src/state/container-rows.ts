import { type Endpoint, parseOwnJson, type RuntimeSpec, stringifyJson } from "@orlop/core";
import type { Database, DatabaseComponent, DatabaseRow } from "@orlop/image";
import type { HealthRecord } from "../health/container-health.ts";
import { healthCheckOf } from "../health/health-check.ts";
import type { EngineStatus } from "../life/container-status.ts";
import type { ContainerDescription } from "./container-description.ts";

/** What has become of a container so far. */
export interface ContainerState {
  readonly status: EngineStatus;
  /** Of init, while it runs. */
  readonly pid: number | undefined;
  readonly startedAtMs: number | undefined;
  /** Undefined while a run goes on, and before the first. */
  readonly finishedAtMs: number | undefined;
  /** Of its last run; 0 before the first. */
  readonly exitCode: number;
  readonly oomKilled: boolean;
  /** Why it could not be started; empty otherwise. */
  readonly error: string;
  /** Starts by its restart policy. */
  readonly restartCount: number;
  /** What its namespace has of networks, while it runs. */
  readonly endpoints: readonly Endpoint[];
  /** Somebody has asked for the end of its last run. */
  readonly isStoppedByUser: boolean;
}

/** A container as the engine knows it. */
export interface Container extends ContainerDescription {
  readonly state: ContainerState;
  /** Of its last run that was probed; absent before the first probe. */
  readonly health?: HealthRecord;
  /** It ends, and is gone, with the command that runs it; no database knows it. */
  readonly isTransient?: true;
}

/** Conditions of indexes: queries say them word for word, so that a few of thousands of rows are found by those. */
const IS_ACTIVE = "status in ('starting', 'running', 'paused', 'removing')";
const IS_CONNECTED = "status in ('starting', 'running', 'paused') and endpoints <> '[]'";
const HAS_REQUIREMENTS = "json_extract(description, '$.requires[0]') is not null";
const HAS_VOLUMES = "json_extract(description, '$.volumes[0]') is not null";

export const CONTAINER_TABLES: DatabaseComponent = {
  name: "engine",
  steps: [
    `create table engine_containers (
       id text primary key,
       name text not null unique,
       created_at_ms integer not null,
       status text not null,
       pid integer,
       started_at_ms integer,
       finished_at_ms integer,
       exit_code integer not null default 0,
       oom_killed integer not null default 0,
       error text not null default '',
       restart_count integer not null default 0,
       stopped_by_user integer not null default 0,
       endpoints text not null default '[]',
       attended integer not null,
       description text not null
     ) strict, without rowid;
     create index engine_attended on engine_containers (status) where attended = 1;
     create table engine_volumes (
       name text primary key,
       created_at_ms integer not null,
       anonymous integer not null,
       labels text not null
     ) strict, without rowid;
     create table engine_specs (id text primary key, spec text not null) strict, without rowid;
     create table engine_events (
       number integer primary key autoincrement,
       at_ms integer not null,
       type text not null,
       action text not null,
       id text not null,
       attributes text not null
     ) strict;`,
    "alter table engine_containers add column health text",
    `create index engine_active on engine_containers (status) where ${IS_ACTIVE};
     create index engine_requiring on engine_containers (id) where ${HAS_REQUIREMENTS};
     create index engine_with_volumes on engine_containers (id) where ${HAS_VOLUMES}`,
    `create index engine_connected on engine_containers (id) where ${IS_CONNECTED}`,
    "create table engine_journals (head text primary key, taken integer not null) strict, without rowid",
  ],
};

/** Rows of containers; changes are made within transactions of the caller's. */
export class ContainerRows {
  readonly #database: Database;
  /** The last lists by their conditions: who lists often reads what has not changed once. */
  readonly #listed = new Map<string, Listed>();

  constructor(database: Database) {
    this.#database = database;
  }

  get(id: string): Container | undefined {
    const row = this.#database.get("select * from engine_containers where id = ?", id);
    return row && decodeContainer(row);
  }

  named(name: string): Container | undefined {
    const row = this.#database.get("select * from engine_containers where name = ?", name);
    return row && decodeContainer(row);
  }

  /** Ids that begin so, at most two. */
  withPrefix(prefix: string): readonly string[] {
    const rows = this.#database.all(
      "select id from engine_containers where id >= ? and id < ? order by id limit 2",
      prefix,
      `${prefix}g`,
    );
    return rows.map(({ id }) => String(id));
  }

  /** Those made last first. What is as it was in the last list is the same object, and so is the list where nothing has changed. */
  list(): readonly Container[] {
    return this.#list("");
  }

  /** In the same way those that may have become something else without anybody's doing: of which there are processes, or that are half gone. */
  unsettled(): readonly Container[] {
    return this.#list(`where ${IS_ACTIVE}`);
  }

  #list(condition: string): readonly Container[] {
    const known = this.#listed.get(condition);
    if (this.#database.isInTransaction) return this.#readList(condition, known).containers;
    return this.#database.snapshot(() => {
      const version = this.#database.version();
      if (known !== undefined && version === known.version) return known.containers;
      const listed = { ...this.#readList(condition, known), version };
      this.#listed.set(condition, listed);
      return listed.containers;
    });
  }

  #readList(condition: string, known: Listed | undefined): Omit<Listed, "version"> {
    const rows = new Map<string, ReadRow>();
    // SQLite would take longer to sort such long rows than to read them.
    for (const row of this.#database.all(`select * from engine_containers ${condition} order by id`)) {
      const id = String(row.id);
      rows.set(id, readRow(row, known?.rows.get(id)));
    }
    return { rows, containers: Array.from(rows.values(), ({ container }) => container).sort(newestFirst) };
  }

  /** Those that require another one. */
  requiring(id: string): readonly Container[] {
    const rows = this.#database.all(`select * from engine_containers where ${HAS_REQUIREMENTS} order by id`);
    return rows.map(decodeContainer).filter(({ requires = [] }) => requires.includes(id));
  }

  /** Those that a volume is mounted in. */
  withVolume(name: string): readonly Container[] {
    const sql = `select * from engine_containers where ${HAS_VOLUMES} and instr(description, ?) > 0 order by id`;
    const containers = this.#database.all(sql, JSON.stringify(name)).map(decodeContainer);
    return containers.filter(({ volumes }) => volumes.some((volume) => volume.name === name));
  }

  /** Those that somebody has to look after: whose health is probed, or that are to become something when they end. */
  attended(): readonly Container[] {
    const sql =
      "select * from engine_containers where attended = 1 and status in ('starting', 'running', 'paused', 'restarting', 'exited')";
    // Of those that have ended, only what is to be removed then waits for somebody.
    const all = this.#database.all(sql).map(decodeContainer);
    return all.filter(({ state, autoRemove }) => state.status !== "exited" || autoRemove);
  }

  /** Whether a container that runs is on a network. */
  hasConnected(): boolean {
    return this.#database.get(`select 1 from engine_containers where ${IS_CONNECTED} limit 1`) !== undefined;
  }

  spec(id: string): RuntimeSpec | undefined {
    const row = this.#database.get("select spec from engine_specs where id = ?", id);
    return row && (parseOwnJson(String(row.spec)) as RuntimeSpec);
  }

  insert(description: ContainerDescription, spec: RuntimeSpec): void {
    const { id, name, createdAtMs } = description;
    this.#database.run(
      `insert into engine_containers (id, name, created_at_ms, status, attended, description)
         values (?, ?, ?, 'created', ?, ?)`,
      ...[id, name, createdAtMs, Number(isAttended(description)), stringifyJson(description)],
    );
    this.#database.run("insert into engine_specs values (?, ?)", id, stringifyJson(spec));
  }

  /** Nothing for a container that is gone. */
  setState(id: string, state: ContainerState): void {
    this.#database.run(
      `update engine_containers set status = ?, pid = ?, started_at_ms = ?, finished_at_ms = ?, exit_code = ?,
         oom_killed = ?, error = ?, restart_count = ?, stopped_by_user = ?, endpoints = ? where id = ?`,
      ...[state.status, state.pid ?? null, state.startedAtMs ?? null, state.finishedAtMs ?? null, state.exitCode],
      ...[
        Number(state.oomKilled),
        state.error,
        state.restartCount,
        Number(state.isStoppedByUser),
        JSON.stringify(state.endpoints),
        id,
      ],
    );
  }

  setHealth(id: string, health: HealthRecord): void {
    this.#database.run("update engine_containers set health = ? where id = ?", JSON.stringify(health), id);
  }

  setDescription(description: ContainerDescription): void {
    const { id, name } = description;
    const sql = "update engine_containers set name = ?, attended = ?, description = ? where id = ?";
    this.#database.run(sql, name, Number(isAttended(description)), stringifyJson(description), id);
  }

  setSpec(id: string, spec: RuntimeSpec): void {
    this.#database.run("update engine_specs set spec = ? where id = ?", stringifyJson(spec), id);
  }

  delete(id: string): void {
    this.#database.run("delete from engine_containers where id = ?", id);
    this.#database.run("delete from engine_specs where id = ?", id);
  }
}

/** An order of lists. */
export function newestFirst(a: Container, b: Container): number {
  return b.createdAtMs - a.createdAtMs;
}

function isAttended(description: ContainerDescription): boolean {
  const { autoRemove, restart, probes } = description;
  return autoRemove || restart.name !== "no" || probes !== undefined || healthCheckOf(description) !== undefined;
}

interface ReadRow {
  readonly row: DatabaseRow;
  readonly container: Container;
}

interface Listed {
  /** Of the database. */
  readonly version: string;
  readonly containers: readonly Container[];
  readonly rows: ReadonlyMap<string, ReadRow>;
}

function readRow(row: DatabaseRow, known: ReadRow | undefined): ReadRow {
  if (known === undefined || known.row.description !== row.description) return { row, container: decodeContainer(row) };
  if (Object.keys(row).every((column) => known.row[column] === row[column])) return known;
  const { state: _, health: _health, ...description } = known.container;
  return { row, container: joined(description, row) };
}

/** Our own rows: what is in them was written by this or an older orlop, and steps of the tables keep up with that. */
function decodeContainer(row: DatabaseRow): Container {
  return joined(parseOwnJson(String(row.description)) as ContainerDescription, row);
}

function joined(description: ContainerDescription, row: DatabaseRow): Container {
  const health = row.health === null ? {} : { health: JSON.parse(String(row.health)) as HealthRecord };
  return { ...description, state: decodeState(row), ...health };
}

function decodeState(row: DatabaseRow): ContainerState {
  const number = (value: unknown): number | undefined => (value === null ? undefined : Number(value));
  return {
    status: String(row.status) as EngineStatus,
    pid: number(row.pid),
    startedAtMs: number(row.started_at_ms),
    finishedAtMs: number(row.finished_at_ms),
    exitCode: Number(row.exit_code),
    oomKilled: row.oom_killed === 1,
    error: String(row.error),
    restartCount: Number(row.restart_count),
    endpoints: JSON.parse(String(row.endpoints)) as readonly Endpoint[],
    isStoppedByUser: row.stopped_by_user === 1,
  };
}
