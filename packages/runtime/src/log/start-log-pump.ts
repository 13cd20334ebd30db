import { isAbsolute } from "node:path";
import { OrlopError } from "@orlop/core";
import { hostArchitecture } from "@orlop/kernel";
import { FollowedProgram } from "../process/followed-program.ts";
import type { ZygoteLike } from "../process/own-zygote.ts";
import { compilePump } from "./compile-pump.ts";
import { LOG_FILES_MAX, LOG_SIZE_MIN_BYTES } from "./log-layout.ts";
import type { PumpPlan } from "./pump-plan.ts";

export interface LogPumpOptions {
  /** Absolute; it exists and is private (0700). The FIFOs are `stdout`, `stderr` and `stdin` in it. */
  readonly directory: string;
  /** Make a FIFO for the input, too. The pump has nothing to do with it. */
  readonly stdin: boolean;
  /** There is one stream: the terminal's output comes over `stdout`. */
  readonly terminal: boolean;
  /** Absolute path of the log, which is appended to, and made with mode 0600 where there is none. */
  readonly file: string;
  /**
   * How large a file may get. Then it becomes `FILE.1`, what was that `FILE.2`, and so on; `FILE.new` is there in between.
   * Absent: as large as it may be. At least {@link LOG_SIZE_MIN_BYTES}.
   */
  readonly maxSizeBytes?: number;
  /** How many files there may be, with the current one: 1 to {@link LOG_FILES_MAX}; 2 if absent. What is older is deleted. */
  readonly maxFiles?: number;
  /**
   * The container is there already, because its pump was killed: a stream that nobody has open has ended. Otherwise a stream
   * that nobody has open has not begun yet.
   */
  readonly resume?: boolean;
}

export interface LogPump {
  readonly pid: number;
  /**
   * Resolves when its process has ended: with `ended` when the log says so, too, with `lost` when it was killed; and with
   * `lost` when the zygote goes before, and nobody here can tell any more.
   */
  readonly ended: Promise<"ended" | "lost">;
}

/**
 * Starts a log pump: a process that takes what a container writes to the FIFOs and appends it to a log, which `readLog`
 * reads, until nobody has a FIFO open for writing any more. Resolves when the FIFOs are there and open, so that a container
 * can be created with paths to them as its stdio. To end a pump without ever having a container, kill it, or open a FIFO of
 * it for writing and close it.
 *
 * The pump outlives this process, once there is a container. When it is killed (nothing else ends it) nothing is lost: who
 * writes waits, and another pump that is started with the same options goes on where it was. One that is alive and has
 * the same log is replaced by that. Where the log takes no more (the disk is full, a quota used up), output is dropped, and
 * the log says how much as soon as it can.
 *
 * Throws `invalid` for options that mean nothing, `conflict` when something else than a pump has locked the log, and what it
 * fails with otherwise.
 */
export async function startLogPump(zygote: ZygoteLike, options: LogPumpOptions): Promise<LogPump> {
  const program = compilePump(planOf(options));
  const followed = new FollowedProgram(program);
  zygote.submit(program, followed.onReport);
  const pid = await followed.created.promise.catch((error: unknown) => {
    throw isLocked(error) ? locked(options.file, error) : error;
  });
  return {
    pid,
    get ended() {
      return followed.ended.promise.then(() => (followed.lost ? "lost" : "ended"));
    },
  };
}

function isLocked(error: unknown): boolean {
  return error instanceof OrlopError && error.errno === "EAGAIN" && error.operation?.startsWith("lock ") === true;
}

function locked(file: string, cause: unknown): OrlopError {
  const message = `Cannot start log pump for "${file}": another program has locked it`;
  return new OrlopError("conflict", message, { operation: "start log pump", errno: "EAGAIN", cause });
}

function planOf(options: LogPumpOptions): PumpPlan {
  const { directory, stdin, terminal, file, maxSizeBytes, maxFiles = 2, resume = false } = options;
  const refuse = (noun: string, value: unknown, problem: string): never => {
    throw new OrlopError("invalid", `Cannot use ${noun} "${value}": ${problem}`, { field: noun });
  };
  for (const [noun, path] of Object.entries({ directory, file })) {
    if (!isAbsolute(path) || path.endsWith("/") || path.includes("\0")) refuse(noun, path, "it is no absolute path");
  }
  if (!(Number.isInteger(maxFiles) && maxFiles >= 1 && maxFiles <= LOG_FILES_MAX)) {
    refuse("maxFiles", maxFiles, `it is not within 1 and LOG_FILES_MAX (${LOG_FILES_MAX})`);
  }
  if (maxSizeBytes !== undefined && !(Number.isSafeInteger(maxSizeBytes) && maxSizeBytes >= LOG_SIZE_MIN_BYTES)) {
    refuse("maxSizeBytes", maxSizeBytes, `it is less than LOG_SIZE_MIN_BYTES (${LOG_SIZE_MIN_BYTES})`);
  }
  return { architecture: hostArchitecture(), directory, stdin, terminal, file, maxSizeBytes, maxFiles, resume };
}
