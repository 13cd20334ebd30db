import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { OrlopError } from "@orlop/core";
import { type CopiedChange, type CopiedStatement, encodeChange, LINE_END_MAX, readLineEnd } from "./copied-change.ts";

/** The changes are not begun anew before they are so long, nor before they are as long as the database. */
const CHANGES_MIN_BYTES = 4 * 1024 * 1024;

/** SQLite keeps the number in 32 bits (`pragma user_version`); after the last one it begins again. */
export const LAST_NUMBER = 0x7fff_ffff;

/** Where a copy of changes stands. */
interface CopyEnd extends Pick<CopiedChange, "number" | "durable"> {
  readonly sizeBytes: number;
}

/** Where the copy of a database is: what it was at one time, and all changes since. */
export function copyPaths(path: string): { readonly base: string; readonly changes: string } {
  return { base: `${path}-base`, changes: `${path}-changes` };
}

/**
 * A second copy of a database, of which it can be made again: a file of what it was once, and a line for each transaction since.
 *
 * A line is written before its transaction is committed, by who holds the lock for writing: the line of one that came to
 * nothing is followed by another of the same number. Nothing waits for the disk, and nothing fails for want of the copy: where
 * it cannot be written or does not fit the database any more, it is begun anew with one of the next changes.
 */
export class DatabaseCopy implements Disposable {
  readonly #path: string;
  #file: number | undefined;
  /** Where the copy stood with what was written last. */
  #last: CopyEnd | undefined;
  /** Asks a connection for its number of changes. */
  #number: { readonly connection: DatabaseSync; readonly statement: StatementSync } | undefined;

  /** @param path of the database */
  constructor(path: string) {
    this.#path = path;
  }

  /** Whether there has been a database, and what it held can be made again. */
  static isThere(path: string): boolean {
    const { base, changes } = copyPaths(path);
    if (statSync(base, { throwIfNoEntry: false }) !== undefined) return true;
    // Whoever has made the first tables may have been killed before they were there.
    return (readEnd(changes)?.number ?? 0) > 1;
  }

  /**
   * Notes what a transaction is about to change. The result is its number, for the database to keep with it.
   *
   * @param connection in that transaction
   * @param reader another one, which sees what was before
   * @throws OrlopError `failed` where the database lacks changes that the copy has
   */
  note(
    connection: DatabaseSync,
    reader: DatabaseSync,
    statements: readonly CopiedStatement[],
    durable: boolean,
  ): number {
    const current = this.#numberOf(connection);
    let end = this.#end(current);
    if (end !== undefined && end.durable > current + 1) throw setBack(this.#path, current, end.durable);
    const number = current === LAST_NUMBER ? 1 : current + 1;
    try {
      if (end === undefined || number < current || this.#isToBeginAnew(end, current))
        end = this.#begin(reader, number - 1);
      this.#last = this.#write(end.sizeBytes, {
        number,
        durable: durable ? number : Math.min(end.durable, current),
        statements,
      });
    } catch {
      this.#drop();
    }
    return number;
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
    this.#last = undefined;
    this.#number = undefined;
  }

  #numberOf(connection: DatabaseSync): number {
    if (this.#number?.connection !== connection) {
      this.#number = { connection, statement: connection.prepare("pragma user_version") };
    }
    return Number(this.#number.statement.get()?.user_version);
  }

  /** One more than the database has: of a transaction that was killed before its end. */
  #isToBeginAnew({ number, sizeBytes }: CopyEnd, current: number): boolean {
    if (number !== current && number !== current + 1) return true;
    return sizeBytes > CHANGES_MIN_BYTES && sizeBytes > statSync(this.#path).size;
  }

  #end(current: number): CopyEnd | undefined {
    try {
      const { file, sizeBytes } = this.#open();
      // With whatever others have written since, it is longer, or the database has another number.
      if (this.#last?.sizeBytes === sizeBytes && this.#last.number === current) return this.#last;
      return endOf(file, sizeBytes);
    } catch {
      return undefined;
    }
  }

  /** Of no changes, on what the database was before this transaction. */
  #begin(reader: DatabaseSync, number: number): CopyEnd {
    const { base } = copyPaths(this.#path);
    const made = `${base}.new`;
    const { file } = this.#open();
    rmSync(made, { force: true });
    // Changes without what they were made to are of no use, but they would seem to be.
    ftruncateSync(file, 0);
    if (reader.prepare("select 1 from sqlite_schema limit 1").get() === undefined) rmSync(base, { force: true });
    else {
      reader.prepare("vacuum into ?").run(made);
      syncFile(made);
      renameSync(made, base);
    }
    return this.#write(0, { number, durable: number, statements: [] });
  }

  /** @param sizeBytes of the file so far, which is open */
  #write(sizeBytes: number, change: CopiedChange): CopyEnd {
    const bytes = encodeChange(change);
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#file as number, bytes, at);
    return { number: change.number, durable: change.durable, sizeBytes: sizeBytes + bytes.length };
  }

  #open(): { readonly file: number; readonly sizeBytes: number } {
    if (this.#file !== undefined) {
      const { nlink, size } = fstatSync(this.#file);
      if (nlink > 0) return { file: this.#file, sizeBytes: size };
    }
    this[Symbol.dispose]();
    this.#file = openSync(copyPaths(this.#path).changes, "a+", 0o600);
    return { file: this.#file, sizeBytes: fstatSync(this.#file).size };
  }

  /** What is half written tells nobody where the copy stands. */
  #drop(): void {
    this.#last = undefined;
    try {
      ftruncateSync(this.#open().file, 0);
      rmSync(`${copyPaths(this.#path).base}.new`, { force: true });
    } catch {}
  }
}

function readEnd(path: string): CopyEnd | undefined {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY);
  } catch {
    return undefined;
  }
  try {
    return endOf(file, fstatSync(file).size);
  } finally {
    closeSync(file);
  }
}

/** Undefined where there is no change, or the last one is not whole. */
function endOf(file: number, sizeBytes: number): CopyEnd | undefined {
  const bytes = Buffer.alloc(LINE_END_MAX);
  const length = readSync(file, bytes, 0, LINE_END_MAX, Math.max(0, sizeBytes - LINE_END_MAX));
  const end = readLineEnd(bytes.toString("latin1", 0, length));
  return end && { ...end, sizeBytes };
}

function syncFile(path: string): void {
  const file = openSync(path, "r+");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function setBack(path: string, current: number, durable: number): OrlopError {
  const what = `it ends with change ${current}, and change ${durable} has been made: the end of its log is lost, or the file is an older one`;
  return new OrlopError("failed", `Cannot use database "${path}": ${what}\nTry "orlop system check --repair".`);
}
