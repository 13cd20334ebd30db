import { copyFileSync } from "node:fs";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { CopiedChange } from "./copied-change.ts";
import type { ReadCopy } from "./read-copy.ts";

/**
 * Makes a database of a copy, at a path where nothing is. The result is how many changes could not be made again.
 *
 * @throws what `node:sqlite` and `node:fs` throw
 */
export function replayCopy(copy: ReadCopy, into: string): number {
  const { DatabaseSync } = process.getBuiltinModule("node:sqlite");
  if (copy.base !== undefined) copyFileSync(copy.base, into);
  const connection = new DatabaseSync(into);
  try {
    connection.exec("pragma synchronous = off; pragma journal_mode = memory");
    if (copy.base !== undefined) connection.prepare("select count(*) from sqlite_schema").get();
    const failed = replay(connection, copy.changes());
    connection.exec(`pragma user_version = ${copy.last}`);
    return failed + copy.damaged;
  } finally {
    connection.close();
  }
}

function replay(connection: DatabaseSync, changes: Iterable<CopiedChange>): number {
  const prepared = new Map<string, StatementSync>();
  let failed = 0;
  connection.exec("begin");
  for (const { statements } of changes) {
    connection.exec("savepoint change");
    try {
      for (const [sql, ...values] of statements) {
        if (values.length === 0) connection.exec(sql);
        else prepare(connection, prepared, sql).run(...values);
      }
    } catch {
      failed += 1;
      connection.exec("rollback to change");
    }
    connection.exec("release change");
  }
  connection.exec("commit");
  return failed;
}

function prepare(connection: DatabaseSync, prepared: Map<string, StatementSync>, sql: string): StatementSync {
  const known = prepared.get(sql) ?? connection.prepare(sql);
  prepared.set(sql, known);
  return known;
}
