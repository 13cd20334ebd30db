import { DatabaseSync } from "node:sqlite";
import type { SnapshotDatabase } from "./snapshot-database.ts";

/** A database with the tables of one component, for tests. */
export function databaseFixture(path: string): SnapshotDatabase & Disposable {
  const connection = new DatabaseSync(path, { timeout: 30_000 });
  connection.exec("pragma journal_mode = wal");
  return {
    add: ({ steps }) => {
      connection.exec("begin immediate");
      const made = connection.prepare("select 1 from sqlite_schema").get() !== undefined;
      if (!made) for (const step of steps) connection.exec(step);
      connection.exec("commit");
    },
    get: (sql, ...values) => connection.prepare(sql).get(...values),
    all: (sql, ...values) => connection.prepare(sql).all(...values),
    run: (sql, ...values) => Number(connection.prepare(sql).run(...values).changes),
    transaction: (work) => {
      connection.exec("begin immediate");
      try {
        const result = work();
        connection.exec("commit");
        return result;
      } finally {
        if (connection.isTransaction) connection.exec("rollback");
      }
    },
    [Symbol.dispose]: () => connection.close(),
  };
}
