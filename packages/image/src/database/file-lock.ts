import { type BigIntStats, rmSync, statSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { OrlopError } from "@orlop/core";
import { databaseFailure, isBusy } from "./database-failure.ts";

export interface FileLockOptions {
  readonly signal?: AbortSignal;
  /** Called once when somebody else has the lock. */
  readonly onWait?: () => void;
}

/** The kernel does not say when a lock becomes free. */
const POLL_MS = 50;
/** So long nobody is told: who looks whether a lock is held takes it for a moment. */
const GLANCE_MS = 5;

/**
 * An exclusive lock on a file that ends with its process, however that ends, and across namespaces.
 *
 * Node locks no files, but SQLite does (fcntl): the file is an empty database with a transaction that holds it alone. Nobody
 * may open it otherwise, because POSIX drops a process's locks on a file when it closes any descriptor of it.
 */
export class FileLock implements Disposable {
  readonly #path: string;
  #connection: DatabaseSync | undefined;

  private constructor(path: string, connection: DatabaseSync) {
    this.#path = path;
    this.#connection = connection;
  }

  /** Takes the lock or finds it taken. The directory has to be there (`ENOENT` of node:fs otherwise). */
  static try(path: string): FileLock | undefined {
    for (;;) {
      const before = identify(path);
      const connection = openLocked(path);
      if (connection === undefined) return undefined;
      // Another holder may have removed the file before it let go, and a third one made a new one; and a file that was made
      // just now has not been looked at before.
      if (before !== undefined && before === identify(path)) return new FileLock(path, connection);
      connection.close();
    }
  }

  /** @throws OrlopError `cancelled` */
  static async take(path: string, { signal, onWait }: FileLockOptions = {}): Promise<FileLock> {
    for (let tries = 0; ; tries++) {
      if (signal?.aborted) throw cancelled(path, signal);
      const lock = FileLock.try(path);
      if (lock !== undefined) return lock;
      if (tries === 1) onWait?.();
      await delay(tries === 0 ? GLANCE_MS : POLL_MS, undefined, signal && { signal }).catch(() => {});
    }
  }

  /** Lets go. */
  [Symbol.dispose](): void {
    this.#connection?.close();
    this.#connection = undefined;
  }

  /** Removes the file and lets go; only who holds the lock may remove it. */
  remove(): void {
    if (this.#connection !== undefined) rmSync(this.#path, { force: true });
    this[Symbol.dispose]();
  }
}

/** A file's number may be given to another one once it is gone, but hardly within one tick of the clock. */
function identify(path: string): string | undefined {
  const stat: BigIntStats | undefined = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat && `${stat.dev}:${stat.ino}:${stat.birthtimeNs}`;
}

function openLocked(path: string): DatabaseSync | undefined {
  const { DatabaseSync } = process.getBuiltinModule("node:sqlite");
  let connection: DatabaseSync | undefined;
  try {
    connection = new DatabaseSync(path, { timeout: 0 });
    connection.exec("pragma journal_mode = memory; begin exclusive");
    return connection;
  } catch (error) {
    connection?.close();
    if (isBusy(error)) return undefined;
    throw databaseFailure(path, error);
  }
}

function cancelled(path: string, signal: AbortSignal): OrlopError {
  return new OrlopError("cancelled", `Cannot lock "${path}": the wait for it was ended`, { cause: signal.reason });
}
