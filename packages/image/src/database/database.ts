import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from "node:sqlite";
import { systemFailure } from "@orlop/kernel";
import type { CopiedStatement } from "./copy/copied-change.ts";
import { DatabaseCopy } from "./copy/database-copy.ts";
import { type DatabaseComponent, missingComponents, updateComponents } from "./database-component.ts";
import { databaseFailure, databaseGone, isBusy } from "./database-failure.ts";

export type DatabaseValue = SQLInputValue;
export type DatabaseRow = Readonly<Record<string, SQLOutputValue>>;

export interface TransactionOptions {
  /**
   * False: a power cut may undo the transaction, together with all after it, as long as no durable one has followed.
   * What other processes see, and what a killed process leaves, is not concerned.
   */
  readonly durable?: boolean;
}

/** Writers hold the lock for as long as one write to the disk takes; who waits so long waits for something broken. */
const BUSY_TIMEOUT_MS = 30_000;
const BUSY_PAUSE_MS = 1;

/** So long the log of changes gets before they move to the database itself: who opens it first has to read all of the log. */
const LOG_PAGES = 250;

/**
 * A SQLite file that several components keep their tables in, and several processes use at once.
 *
 * It is opened by the first use: for reading only, until something is written, so that who only looks something up does
 * not pay for more. Readers never wait for writers (WAL). Calls are synchronous and short; none may be held across an
 * `await`.
 *
 * The log of changes stays beside the file when nobody has it open. All changes are kept a second time ({@link DatabaseCopy}),
 * so that the database can be made again; another one that comes into its place is what the next call uses.
 *
 * @throws OrlopError from every method: `unsupported` where the file is of a newer version of orlop, `exhausted` when the
 *   disk is full, `failed`, `denied`
 */
export class Database implements Disposable {
  readonly path: string;
  readonly #components: DatabaseComponent[] = [];
  readonly #statements = new Map<string, StatementSync>();
  /** Closed last: SQLite waits for the disk when the last connection goes, unless that can only read. */
  #reader: DatabaseSync | undefined;
  #writer: DatabaseSync | undefined;
  /** How often another connection has come into use. */
  #switches = 0;
  #checked = false;
  #inTransaction = false;
  /** Device and number of the file that is open. */
  #file: string | undefined;
  readonly #copy: DatabaseCopy;
  /** Whether the writer waits for the disk with each transaction, once it has been told. */
  #durable: boolean | undefined;
  /** Of the last row that was made. */
  #rowId = 0;
  /** What the transaction has changed so far. */
  #changes: CopiedStatement[] = [];

  constructor(path: string, components: readonly DatabaseComponent[] = []) {
    this.path = path;
    this.#copy = new DatabaseCopy(path);
    for (const component of components) this.add(component);
  }

  /** Tables of one more component, made or brought up to date before the next use of the database. */
  add(component: DatabaseComponent): void {
    if (this.#components.some(({ name }) => name === component.name)) return;
    this.#components.push(component);
    this.#checked = false;
  }

  /** The first row, if there is one. */
  get(sql: string, ...values: readonly DatabaseValue[]): DatabaseRow | undefined {
    return this.#guard(() => this.#statement(sql).get(...values));
  }

  all(sql: string, ...values: readonly DatabaseValue[]): readonly DatabaseRow[] {
    return this.#guard(() => this.#statement(sql).all(...values));
  }

  /** Changes rows, within a transaction; the result is how many. */
  run(sql: string, ...values: readonly DatabaseValue[]): number {
    if (!this.#inTransaction) throw new Error("a change needs a transaction");
    return this.#guard(() => {
      const { changes, lastInsertRowid } = this.#statement(sql).run(...values);
      this.#rowId = Number(lastInsertRowid);
      if (Number(changes) > 0) this.#changes.push([sql, ...values]);
      return Number(changes);
    });
  }

  /** As {@link run}, of a statement that makes a row at the most; the result is the row's id. */
  insert(sql: string, ...values: readonly DatabaseValue[]): number | undefined {
    return this.run(sql, ...values) === 0 ? undefined : this.#rowId;
  }

  /** Everything of `work` or nothing of it; other writers wait. Within another transaction it is part of that one. */
  transaction<T>(work: () => T, { durable = true }: TransactionOptions = {}): T {
    if (this.#inTransaction) return work();
    return this.#guard(() => {
      const connection = this.#begin(durable);
      this.#inTransaction = true;
      try {
        const result = work();
        this.#commit(connection, durable);
        return result;
      } finally {
        this.#inTransaction = false;
        this.#changes = [];
        // Some failures, a full disk among them, have ended it already.
        if (connection.isTransaction) connection.exec("rollback");
      }
    });
  }

  /** What `work` reads is of one moment, whatever others write meanwhile. Within another one it is of the same moment. */
  snapshot<T>(work: () => T): T {
    if (this.#isReading()) return work();
    return this.#guard(() => {
      const connection = this.#readable();
      connection.exec("begin");
      try {
        return work();
      } finally {
        connection.exec("rollback");
      }
    });
  }

  /** What is read now may still be undone. */
  get isInTransaction(): boolean {
    return this.#inTransaction;
  }

  /**
   * Is another one when anybody has changed anything since; of this object alone. What was read in the same snapshot or
   * transaction still holds, as long as it is the same.
   */
  version(): string {
    const changes = this.get("select total_changes() as own")?.own;
    return `${this.#switches} ${this.get("pragma data_version")?.data_version} ${changes}`;
  }

  /** It may be used again afterwards. */
  close(): void {
    this.#statements.clear();
    this.#checked = false;
    this.#switches += 1;
    this.#file = undefined;
    this.#copy[Symbol.dispose]();
    const [writer, reader] = [this.#writer, this.#reader];
    this.#writer = undefined;
    this.#reader = undefined;
    this.#durable = undefined;
    try {
      writer?.close();
    } finally {
      reader?.close();
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw databaseFailure(this.path, error);
    }
  }

  #statement(sql: string): StatementSync {
    const connection = this.#readable();
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = connection.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  #begin(durable: boolean): DatabaseSync {
    for (;;) {
      const connection = this.#writable();
      if (this.#durable !== durable) connection.exec(`pragma synchronous = ${durable ? "full" : "normal"}`);
      this.#durable = durable;
      connection.exec("begin immediate");
      if (!this.#isReplaced()) return connection;
    }
  }

  #commit(connection: DatabaseSync, durable: boolean): void {
    let sql = "commit";
    if (this.#changes.length > 0) {
      const number = this.#copy.note(connection, this.#openReader() ?? connection, this.#changes, durable);
      sql = `pragma user_version = ${number}; commit`;
    }
    connection.exec(sql);
  }

  /** Whether another file has come into the place of the one that is open, which is closed then. */
  #isReplaced(): boolean {
    if (this.#file === undefined || this.#file === identify(this.path)) return false;
    this.close();
    return true;
  }

  #readable(): DatabaseSync {
    if (!this.#isReading()) this.#isReplaced();
    const connection = this.#writer ?? this.#openReader();
    if (connection !== undefined && this.#isCurrent(connection)) return connection;
    return this.#writable();
  }

  #writable(): DatabaseSync {
    if (this.#writer !== undefined && this.#checked) return this.#writer;
    // It has to have read something to count as a connection.
    const reader = this.#openReader();
    if (reader !== undefined) this.#isCurrent(reader);
    const connection = this.#writer ?? this.#openWriter();
    if (!this.#checked) {
      this.#updateComponents(connection);
      this.#checked = true;
    }
    return connection;
  }

  /** Whether what is read has to be of one moment. */
  #isReading(): boolean {
    return this.#writer?.isTransaction === true || this.#reader?.isTransaction === true;
  }

  /** Whether all tables are there. */
  #isCurrent(connection: DatabaseSync): boolean {
    this.#checked ||= missingComponents(connection, this.path, this.#components).length === 0;
    return this.#checked;
  }

  #updateComponents(connection: DatabaseSync): void {
    try {
      updateComponents(connection, this.path, this.#components, {
        note: (statement) => this.#changes.push(statement),
        commit: () => this.#commit(connection, true),
      });
    } finally {
      this.#changes = [];
    }
  }

  /** Undefined where there is no file yet. */
  #openReader(): DatabaseSync | undefined {
    if (this.#reader !== undefined) return this.#reader;
    // Loaded no sooner: most calls of the command look nothing up.
    const { DatabaseSync } = process.getBuiltinModule("node:sqlite");
    const file = identify(this.path);
    try {
      this.#reader = new DatabaseSync(this.path, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
    } catch {
      return undefined;
    }
    this.#file ??= file;
    return this.#reader;
  }

  #openWriter(): DatabaseSync {
    const { DatabaseSync } = process.getBuiltinModule("node:sqlite");
    const directory = dirname(this.path);
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw systemFailure(`make directory "${directory}"`, error);
    }
    const file = identify(this.path);
    // Empty still when the copy is there: another process may be making both, the copy last.
    if (isEmpty(this.path) && DatabaseCopy.isThere(this.path) && isEmpty(this.path)) throw databaseGone(this.path);
    const connection = new DatabaseSync(this.path, { timeout: BUSY_TIMEOUT_MS });
    try {
      makeLog(connection);
      connection.exec(`pragma wal_autocheckpoint = ${LOG_PAGES}`);
    } catch (error) {
      connection.close();
      throw error;
    }
    this.#statements.clear();
    this.#switches += 1;
    this.#file ??= file ?? identify(this.path);
    this.#writer = connection;
    return connection;
  }
}

/** SQLite waits for nobody where several processes give a new file its log at once, as each would wait for the others. */
function makeLog(connection: DatabaseSync): void {
  // Not asked for the time before it counts: `performance` takes a millisecond to load.
  let untilMs: number | undefined;
  for (;;) {
    try {
      connection.exec("pragma journal_mode = wal");
      return;
    } catch (error) {
      untilMs ??= performance.now() + BUSY_TIMEOUT_MS;
      if (!isBusy(error) || performance.now() > untilMs) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BUSY_PAUSE_MS);
    }
  }
}

function isEmpty(path: string): boolean {
  return (statSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0;
}

/** Of a file; undefined where there is none. */
function identify(path: string): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat && `${stat.dev}:${stat.ino}`;
}
