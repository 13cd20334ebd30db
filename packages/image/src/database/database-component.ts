import type { DatabaseSync } from "node:sqlite";
import { OrlopError } from "@orlop/core";
import type { CopiedStatement } from "./copy/copied-change.ts";

/**
 * Tables that belong together. Each step is SQL that leads from one version to the next, the first one from nothing; its
 * version is the number of steps. A step that has been released is never changed: another one follows it.
 */
export interface DatabaseComponent {
  /** `content`, `snapshots`; its tables begin with it. */
  readonly name: string;
  readonly steps: readonly string[];
}

/**
 * Those components whose tables are not there or older.
 *
 * @throws OrlopError `unsupported` where tables are newer than this orlop
 */
export function missingComponents(
  connection: DatabaseSync,
  path: string,
  components: readonly DatabaseComponent[],
): readonly DatabaseComponent[] {
  const versions = readVersions(connection);
  for (const { name, steps } of components) {
    const found = versions.get(name) ?? 0;
    if (found <= steps.length) continue;
    const what = `its tables "${name}" are of version ${found}, and this orlop knows versions up to ${steps.length}`;
    throw new OrlopError("unsupported", `Cannot use database "${path}": ${what}\nTry a newer orlop.`);
  }
  return components.filter(({ name, steps }) => (versions.get(name) ?? 0) < steps.length);
}

/** What is told of a change of tables: each statement when it has been executed, and the end of the transaction. */
interface UpdateListener {
  note(statement: CopiedStatement): void;
  commit(): void;
}

/** Brings all to their versions, each in one step that a killed process has done or not. */
export function updateComponents(
  connection: DatabaseSync,
  path: string,
  all: readonly DatabaseComponent[],
  { note, commit }: UpdateListener,
): void {
  if (missingComponents(connection, path, all).length === 0) return;
  const change = (...[sql, ...values]: CopiedStatement): void => {
    if (values.length === 0) connection.exec(sql);
    else connection.prepare(sql).run(...values);
    note([sql, ...values]);
  };
  connection.exec("pragma synchronous = full; begin immediate");
  try {
    change("create table if not exists components (name text primary key, version integer not null) strict");
    const versions = readVersions(connection);
    // Asked again: another process may have been here first.
    for (const { name, steps } of missingComponents(connection, path, all)) {
      for (const step of steps.slice(versions.get(name) ?? 0)) change(step);
      change("insert or replace into components values (?, ?)", name, steps.length);
    }
    commit();
  } finally {
    if (connection.isTransaction) connection.exec("rollback");
  }
}

function readVersions(connection: DatabaseSync): ReadonlyMap<string, number> {
  try {
    const rows = connection.prepare("select name, version from components").all();
    return new Map(rows.map(({ name, version }) => [String(name), Number(version)]));
  } catch (error) {
    // SQLITE_ERROR is what an unknown table is; whatever else is wrong has a code of its own.
    if (error instanceof Error && "errcode" in error && error.errcode === 1) return new Map();
    throw error;
  }
}
