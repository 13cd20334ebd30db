import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Engine } from "@orlop/engine";
import { FileLock } from "@orlop/image";
import { caller } from "../caller/caller.ts";

/**
 * The one process of a depot that looks after containers whose health is probed, or which are to be started again or removed
 * when they end: there is one as long as there are such containers, and none otherwise. It holds a lock; if it is killed, the
 * next command that finds the lock free starts another.
 */
export class Attendant implements Disposable {
  readonly #lock: FileLock;

  private constructor(lock: FileLock) {
    this.#lock = lock;
  }

  /** Undefined when there is one already. */
  static try(depot: string): Attendant | undefined {
    const locks = join(depot, "locks");
    mkdirSync(locks, { recursive: true, mode: 0o700 });
    const lock = FileLock.try(join(locks, "attendant"));
    return lock && new Attendant(lock);
  }

  /** Starts it where it is needed and not there. */
  static ensure(engine: Engine, depot: string): void {
    if (!engine.needsAttendant) return;
    const { daemon } = caller();
    if (daemon !== undefined) {
      daemon.attend();
      return;
    }
    const attendant = Attendant.try(depot);
    if (attendant === undefined) return;
    attendant[Symbol.dispose]();
    const [, script = ""] = process.argv;
    const words = [...process.execArgv, script, "_attend"];
    spawn(process.execPath, words, { detached: true, stdio: "ignore", cwd: "/" }).unref();
  }

  [Symbol.dispose](): void {
    this.#lock[Symbol.dispose]();
  }
}
