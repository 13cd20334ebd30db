import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Engine } from "@orlop/engine";
import { FileLock } from "@orlop/image";

/** A few megabytes of names and of messages on their way are all that it has. */
const SMALL = ["--max-semi-space-size=1", "--max-old-space-size=128", "--single-threaded-gc", "--v8-pool-size=0"];

/**
 * The one process of a depot that answers names of networks: there is one as long as there are containers that need it, and
 * none otherwise. It holds a lock; if it is killed, the next command that finds the lock free starts another.
 */
export class NamesProcess implements Disposable {
  readonly #lock: FileLock;

  private constructor(lock: FileLock) {
    this.#lock = lock;
  }

  /** Undefined when there is one already. */
  static try(depot: string): NamesProcess | undefined {
    const locks = join(depot, "locks");
    mkdirSync(locks, { recursive: true, mode: 0o700 });
    const lock = FileLock.try(join(locks, "names"));
    return lock && new NamesProcess(lock);
  }

  /** Starts it where it is needed and not there. */
  static async ensure(engine: Engine, depot: string): Promise<void> {
    const free = NamesProcess.try(depot);
    if (free === undefined) return;
    free[Symbol.dispose]();
    if (await engine.needsNames()) NamesProcess.start(depot);
  }

  /** Starts it where it is not there; when it is not needed, it ends by itself. */
  static start(depot: string): void {
    const free = NamesProcess.try(depot);
    if (free === undefined) return;
    free[Symbol.dispose]();
    const [, script = ""] = process.argv;
    // Room for what a command makes in a moment is no use to a process that stays.
    const flags = process.execArgv.filter((flag) => !flag.startsWith("--min-semi-space-size"));
    const words = [...flags, ...SMALL, script, "_names"];
    spawn(process.execPath, words, { detached: true, stdio: "ignore", cwd: "/" }).unref();
  }

  [Symbol.dispose](): void {
    this.#lock[Symbol.dispose]();
  }
}
