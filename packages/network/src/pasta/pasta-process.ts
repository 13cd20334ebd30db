import { execFile } from "node:child_process";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { OrlopError } from "@orlop/core";
import { findProgram, systemFailure } from "@orlop/kernel";

/** It is ready in a twentieth of a second, or tells why not. */
const START_MAX_MS = 20_000;
/** The kernel ends what is killed as soon as it has done what it does for it. */
const END_MAX_MS = 20_000;
const LOOK_MS = 2;

const PID_FILE = /^([0-9a-f]+)\.pid$/;

/** Processes of pasta(1), each known by the file that it writes its id to; what is killed is what was started with that. */
export class PastaProcesses {
  readonly #directory: string;

  /** @param directory exists, and is on a file system that a restart of the machine empties */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Starts one, which goes on when this process ends. Gives its complaint where it does not want to. */
  async start(key: string, args: readonly string[]): Promise<string | undefined> {
    const program = findProgram("pasta");
    if (program === undefined) {
      const wayOut = "Try to install it: the package passt of Debian, Ubuntu, Fedora and others has it.";
      throw new OrlopError("unsupported", `Cannot start pasta: there is no such program\n${wayOut}`);
    }
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    execFile(program, [...args, "--pid", this.#pidFile(key)], { timeout: START_MAX_MS }, (error, _, complaint) => {
      resolve(error === null ? undefined : lastLine(complaint) || error.message);
    });
    return await promise;
  }

  isThere(key: string): boolean {
    return this.#find(key) !== undefined;
  }

  /** One that is not there is no error. */
  async end(key: string): Promise<void> {
    const pid = this.#find(key);
    if (pid !== undefined) {
      try {
        // It is process 1 of a namespace of its own, and has nothing that it would have to save.
        process.kill(pid, "SIGKILL");
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw systemFailure(`end pasta ${pid}`, error);
      }
      for (const start = performance.now(); isRunning(pid); await setTimeout(LOOK_MS)) {
        if (performance.now() - start < END_MAX_MS) continue;
        throw new OrlopError(
          "failed",
          `Cannot end pasta ${pid}: it is there still, ${END_MAX_MS} ms after it was killed`,
        );
      }
    }
    rmSync(this.#pidFile(key), { force: true });
  }

  /** Keys of all that have been started and not ended. */
  keys(): readonly string[] {
    return readdirSync(this.#directory).flatMap((name) => PID_FILE.exec(name)?.[1] ?? []);
  }

  /** By its arguments: another process may have got its number. */
  #find(key: string): number | undefined {
    const file = this.#pidFile(key);
    try {
      const pid = Number(readFileSync(file, "utf8"));
      const args = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
      return args.includes(file) && isRunning(pid) ? pid : undefined;
    } catch {
      return undefined;
    }
  }

  #pidFile(key: string): string {
    return join(this.#directory, `${key}.pid`);
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

/** Without what it says of a log of the system that it does not find. */
function lastLine(text: string): string {
  const lines = text.split("\n").filter((line) => line.trim() !== "" && !line.endsWith("to syslog"));
  return lines.at(-1)?.trim() ?? "";
}
