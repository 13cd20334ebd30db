import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { OrlopError } from "@orlop/core";
import { systemFailure } from "@orlop/kernel";

/** The kernel ends what is killed as soon as it has done what it does for it. */
const END_MAX_MS = 20_000;
const LOOK_MS = 2;

const PID_FILE = /^([0-9a-f]+)\.pid$/;

/**
 * Processes of one program that stand beside endpoints, each under a key: a file has its id, and its arguments have the name of
 * a file with that key, so that what is killed is what was started.
 */
export class SideProcesses {
  readonly #directory: string;

  /** @param directory exists, and is on a file system that a restart of the machine empties */
  constructor(directory: string) {
    this.#directory = directory;
  }

  isThere(key: string): boolean {
    return this.#find(key) !== undefined;
  }

  /** Whether one has been started, and not ended: what was killed counts. */
  isKnown(key: string): boolean {
    return existsSync(this.file(key, "pid"));
  }

  /** One that is not there is no error. */
  async end(key: string): Promise<void> {
    const pid = this.#find(key);
    if (pid !== undefined) {
      try {
        // It is process 1 of a namespace of its own, and has nothing that it would have to save.
        process.kill(pid, "SIGKILL");
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw systemFailure(`end process ${pid}`, error);
      }
      for (const start = performance.now(); isRunning(pid); await setTimeout(LOOK_MS)) {
        if (performance.now() - start < END_MAX_MS) continue;
        throw new OrlopError(
          "failed",
          `Cannot end process ${pid}: it is there still, ${END_MAX_MS} ms after it was killed`,
        );
      }
    }
    for (const name of readdirSync(this.#directory)) {
      if (name.startsWith(`${key}.`)) rmSync(join(this.#directory, name), { force: true });
    }
  }

  /** Keys of all that have been started and not ended. */
  keys(): readonly string[] {
    return readdirSync(this.#directory).flatMap((name) => PID_FILE.exec(name)?.[1] ?? []);
  }

  /** One of its files, by what is behind the dot: `pid` for the one that has to have its id. */
  file(key: string, ending: string): string {
    return join(this.#directory, `${key}.${ending}`);
  }

  /** By its arguments: another process may have got its number. */
  #find(key: string): number | undefined {
    try {
      const pid = Number(readFileSync(this.file(key, "pid"), "utf8"));
      const args = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
      return args.some((arg) => arg.includes(this.file(key, ""))) && isRunning(pid) ? pid : undefined;
    } catch {
      return undefined;
    }
  }
}

/** A zombie has let go of all that it had. */
function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch {
    return false;
  }
}
