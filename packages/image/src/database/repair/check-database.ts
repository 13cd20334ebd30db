import { statSync } from "node:fs";
import { OrlopError } from "@orlop/core";
import { DatabaseCopy } from "../copy/database-copy.ts";
import { readCopy } from "../copy/read-copy.ts";
import { databaseFailure, databaseGone } from "../database-failure.ts";

/** So many of one kind are told. */
const PROBLEMS_MAX = 20;

/** What is wrong, and with which of the two. */
export interface DatabaseProblem {
  readonly of: "database" | "copy" | "references";
  readonly text: string;
}

/**
 * What is wrong with a database and with its copy; nothing where there is none.
 *
 * @param quick without looking whether indexes fit their tables
 */
export function checkDatabase(
  path: string,
  { quick = false }: { readonly quick?: boolean } = {},
): readonly DatabaseProblem[] {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size === 0) return DatabaseCopy.isThere(path) ? [failure(databaseGone(path))] : [];
  const { DatabaseSync } = process.getBuiltinModule("node:sqlite");
  const connection = new DatabaseSync(path, { readOnly: true });
  try {
    const check = quick ? "quick_check" : "integrity_check";
    const rows = connection
      .prepare(`pragma ${check}(${PROBLEMS_MAX})`)
      .all()
      .map((row) => String(row[check]));
    const references = connection.prepare("pragma foreign_key_check").all().slice(0, PROBLEMS_MAX);
    const number = Number(connection.prepare("pragma user_version").get()?.user_version);
    return [
      ...rows.filter((row) => row !== "ok").map((row) => problem("database", path, row.replaceAll("\n", " "))),
      ...references.map(({ table, parent }) =>
        problem("references", path, `a row of ${String(table)} refers to none of ${String(parent)}`),
      ),
      ...copyProblems(path, number),
    ];
  } catch (error) {
    return [failure(databaseFailure(path, error))];
  } finally {
    connection.close();
  }
}

function copyProblems(path: string, number: number): readonly DatabaseProblem[] {
  const copy = readCopy(path);
  if (copy === undefined) return [];
  if (copy.durable > number + 1)
    return [problem("database", path, `changes ${number + 1} to ${copy.durable} are lost`)];
  return copy.damaged === 0 ? [] : [problem("copy", path, `${copy.damaged} changes of its copy are damaged`)];
}

function problem(of: DatabaseProblem["of"], path: string, what: string): DatabaseProblem {
  return { of, text: `database "${path}": ${what}` };
}

function failure(error: unknown): DatabaseProblem {
  if (!(error instanceof OrlopError)) throw error;
  return { of: "database", text: (error.message.split("\n")[0] ?? "").replace(/^Cannot use /, "") };
}
