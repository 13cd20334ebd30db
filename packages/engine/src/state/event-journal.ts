import { closeSync, fstatSync, mkdirSync, openSync, readSync, renameSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Database } from "@orlop/image";
import { EventRows, type NewEvent } from "./event-rows.ts";

/** What is noted beyond that begins another file, beside which one older one is kept. */
const JOURNAL_MAX_BYTES = 512 * 1024;

/**
 * Events of what no database is opened for, such as a container that ends with its command: lines of JSON at the end of a file
 * beside the database. Who asks for events takes them in first. A line costs some microseconds, a transaction costs more than
 * the start of a process.
 */
export class EventJournal {
  /** The older one first. */
  readonly #files: readonly [string, string];
  /** What the files were like when all in them was in the database. */
  #seen = "";

  /** @param directory of the database */
  constructor(directory: string) {
    const file = join(directory, "events.jsonl");
    this.#files = [`${file}.old`, file];
  }

  /** Whether a file of that name in the directory is the journal. */
  static isNamed(name: string): boolean {
    return name === "events.jsonl";
  }

  /** Nothing fails for what cannot be noted, as on a full disk. */
  note(...events: readonly NewEvent[]): void {
    const [old, file] = this.#files;
    try {
      const descriptor = openToAppend(file);
      try {
        writeSync(descriptor, events.map((event) => `${JSON.stringify(event)}\n`).join(""));
        const { size, ino } = fstatSync(descriptor);
        // Somebody else may have begun another one just now.
        if (size > JOURNAL_MAX_BYTES && statSync(file).ino === ino) renameSync(file, old);
      } finally {
        closeSync(descriptor);
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    }
  }

  /** Makes rows of what has been noted since the last time, whoever has taken that in. */
  takeIn(database: Database): void {
    const found = this.#files.map(markOf).join("");
    if (found === this.#seen) return;
    database.transaction(() => this.#takeInNow(database), { durable: false });
    this.#seen = found;
  }

  #takeInNow(database: Database): void {
    const rows = new EventRows(database);
    const heads: string[] = [];
    for (const file of this.#files) {
      const text = readText(file);
      // A file is known by its first line: numbers of files are given again.
      const head = text.slice(0, text.indexOf("\n") + 1);
      if (head === "") continue;
      heads.push(head);
      const known = database.get("select taken from engine_journals where head = ?", head);
      const end = text.lastIndexOf("\n") + 1;
      const taken = Number(known?.taken ?? 0);
      for (const line of text.slice(taken, end).split("\n")) {
        const event = decodeEvent(line);
        if (event !== undefined) rows.add(event);
      }
      const sql =
        "insert into engine_journals (head, taken) values (?, ?) on conflict do update set taken = excluded.taken";
      if (end > taken) database.run(sql, head, end);
    }
    for (const { head } of database.all("select head from engine_journals")) {
      if (!heads.includes(String(head))) database.run("delete from engine_journals where head = ?", String(head));
    }
  }
}

function openToAppend(file: string): number {
  try {
    return openSync(file, "a", 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    mkdirSync(join(file, ".."), { recursive: true, mode: 0o700 });
    return openSync(file, "a", 0o600);
  }
}

/** Is another one when something was noted; empty where there is no file. */
function markOf(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat === undefined ? "" : `${stat.ino}:${stat.size};`;
}

/** Latin-1, so that places in it are places in the file. */
function readText(file: string): string {
  let descriptor: number;
  try {
    descriptor = openSync(file, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
  try {
    const bytes = Buffer.alloc(fstatSync(descriptor).size);
    return bytes.toString("latin1", 0, readSync(descriptor, bytes));
  } finally {
    closeSync(descriptor);
  }
}

/** Undefined for what was cut off when the machine lost its power. */
function decodeEvent(line: string): NewEvent | undefined {
  try {
    const { atMs, type, action, id, attributes } = JSON.parse(Buffer.from(line, "latin1").toString()) as NewEvent;
    const isWhole = Number.isSafeInteger(atMs) && [type, action, id].every((each) => typeof each === "string");
    return isWhole && typeof attributes === "object" ? { atMs, type, action, id, attributes } : undefined;
  } catch {
    return undefined;
  }
}
