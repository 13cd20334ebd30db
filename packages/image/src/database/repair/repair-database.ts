import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, truncateSync } from "node:fs";
import { dirname } from "node:path";
import { OrlopError } from "@orlop/core";
import { copyPaths } from "../copy/database-copy.ts";
import { readCopy } from "../copy/read-copy.ts";
import { replayCopy } from "../copy/replay-copy.ts";
import { salvageRows } from "./salvage-rows.ts";

/** What a database was made of again. */
export interface RepairedDatabase {
  readonly source: "copy" | "rows";
  /** Where the damaged file is now; absent where there is none. */
  readonly damaged?: string;
  /** What it lacks, a sentence each. */
  readonly lost: readonly string[];
}

/** Whoever is in a transaction is waited for; none takes longer. */
const WRITERS_MAX_MS = 10_000;

/** Files of SQLite beside the database. */
const PARTS = ["", "-wal", "-shm"];

/**
 * Makes a database again, of its copy or else of what can be read of it, and puts it into the place of the damaged one, which
 * is kept under another name. Other processes use the new one from their next call on, and are refused as long as this
 * takes. Killed at any moment, it can be called again. The caller has it not open.
 *
 * @throws OrlopError `failed` where there is nothing to make it of; all is as it was then
 */
export function repairDatabase(path: string): RepairedDatabase {
  const made = `${path}-repaired`;
  removeParts(made);
  const isThere = existsSync(path);
  const last = lastAside(path);
  const aside = isThere || last === undefined ? freeAside(path) : last;
  // Also where the file is gone: what is left of its log would be taken for that of the new one.
  moveParts(path, aside);
  const damaged = existsSync(aside) ? aside : undefined;
  if (isThere) awaitWriters(aside);
  try {
    const repaired = makeAgain(path, damaged, made);
    finish(made);
    renameSync(made, path);
    sync(dirname(path));
    return damaged === undefined ? repaired : { ...repaired, damaged };
  } catch (error) {
    removeParts(made);
    moveParts(aside, path);
    if (error instanceof OrlopError) throw error;
    const what = "neither its copy nor its own rows can be read";
    throw new OrlopError("failed", `Cannot repair database "${path}": ${what}`, { cause: error });
  }
}

/** Has the next change begin another copy: the one that there is does not fit the database, or is damaged. */
export function renewCopy(path: string): void {
  const { base, changes } = copyPaths(path);
  if (existsSync(changes)) truncateSync(changes);
  rmSync(base, { force: true });
}

function makeAgain(path: string, damaged: string | undefined, made: string): Pick<RepairedDatabase, "source" | "lost"> {
  const copy = readCopy(path);
  if (copy !== undefined) {
    try {
      const failed = replayCopy(copy, made);
      checkWhole(made);
      return { source: "copy", lost: failed === 0 ? [] : [`${failed} changes of the copy could not be made again`] };
    } catch (error) {
      if (damaged === undefined) throw error;
      removeParts(made);
    }
  }
  if (damaged === undefined) throw new OrlopError("failed", `Cannot repair database "${path}": there is no copy of it`);
  const tables = salvageRows(damaged, made);
  checkWhole(made);
  renewCopy(path);
  return { source: "rows", lost: tables.map((table) => `rows of "${table}" could not be read`) };
}

/** @throws what `node:sqlite` throws, or an error of ours */
function checkWhole(path: string): void {
  const { DatabaseSync } = process.getBuiltinModule("node:sqlite");
  const connection = new DatabaseSync(path, { readOnly: true });
  try {
    const found = connection.prepare("pragma integrity_check(1)").get()?.integrity_check;
    if (found !== "ok") throw new Error(String(found));
  } finally {
    connection.close();
  }
}

/** From here on no transaction is made on the old file: whoever begins one finds another in its place. */
function awaitWriters(aside: string): void {
  const { DatabaseSync } = process.getBuiltinModule("node:sqlite");
  // Closed last, it leaves the log of changes where it is.
  const reader = new DatabaseSync(aside, { readOnly: true });
  let writer: InstanceType<typeof DatabaseSync> | undefined;
  try {
    reader.prepare("select count(*) from sqlite_schema").get();
    writer = new DatabaseSync(aside, { timeout: WRITERS_MAX_MS });
    writer.exec("begin immediate; rollback");
  } catch {
    // What cannot be locked cannot be written to either.
  } finally {
    writer?.close();
    reader.close();
  }
}

function finish(made: string): void {
  const { DatabaseSync } = process.getBuiltinModule("node:sqlite");
  const connection = new DatabaseSync(made);
  try {
    connection.exec("pragma journal_mode = wal");
  } finally {
    connection.close();
  }
  sync(made);
}

function sync(path: string): void {
  const file = openSync(path, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function freeAside(path: string): string {
  for (let number = 1; ; number++) if (!existsSync(asideName(path, number))) return asideName(path, number);
}

/** Of a repair that was killed. */
function lastAside(path: string): string | undefined {
  let last: string | undefined;
  for (let number = 1; existsSync(asideName(path, number)); number++) last = asideName(path, number);
  return last;
}

function asideName(path: string, number: number): string {
  return `${path}-damaged-${number}`;
}

function moveParts(from: string, to: string): void {
  for (const part of PARTS) if (existsSync(`${from}${part}`)) renameSync(`${from}${part}`, `${to}${part}`);
}

function removeParts(path: string): void {
  for (const part of PARTS) rmSync(`${path}${part}`, { force: true });
}
