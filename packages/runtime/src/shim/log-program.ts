import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, mkdirSync, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { OrlopError } from "@orlop/core";
import type { HookRunner } from "../process/container-hooks.ts";
import { runProgram } from "../process/run-program.ts";

/** A program that takes the outputs of a process: which, and whose. */
interface LogAsked {
  /** `binary:///path?key=value`, or `binary-v2:` of a program that says when it is ready. */
  readonly uri: string;
  /** Of the container. */
  readonly id: string;
  readonly namespace: string;
  /** For what belongs to the logs of this process; it does not exist yet. */
  readonly directory: string;
  readonly runner: HookRunner;
}

const OUTPUTS = ["stdout", "stderr"] as const;
/** Where such a program finds the outputs and where it says that it is ready (containerd, docs/runtime-v2.md, "Logging"). */
const READY_FD = 5;
/** A program that takes longer than this to be ready will not be. */
const READY_TIME_MAX_MS = 10_000;

/** A program of the host's that takes what a process writes. It ends by itself, with the last who writes. */
export class LogProgram implements Disposable {
  /** FIFOs that it reads. */
  readonly stdout: string;
  readonly stderr: string;
  readonly #directory: string;
  readonly #held: number[] = [];

  private constructor(directory: string) {
    this.#directory = directory;
    [this.stdout, this.stderr] = OUTPUTS.map((name) => join(directory, name)) as [string, string];
  }

  /** Resolves when it is ready. */
  static async start(asked: LogAsked): Promise<LogProgram> {
    using undo = new DisposableStack();
    mkdirSync(asked.directory, { recursive: true, mode: 0o700 });
    const log = undo.use(new LogProgram(asked.directory));
    const paths = [log.stdout, log.stderr];
    await runProgram(asked.runner.zygote, asked.runner.host.architecture, `make FIFOs for "${asked.uri}"`, (p) => {
      const mode = p.number(0o10600, "S_IFIFO|0600");
      for (const path of paths) p.call("mknodat", [p.flags("AT_FDCWD"), p.text(path), mode, 0]);
    });
    // A writer each, without which the program would see the end before the process is there.
    for (const path of paths) log.#held.push(openSync(path, constants.O_RDWR));
    const readers = paths.map((path) => openSync(path, constants.O_RDONLY));
    try {
      await run(asked, readers);
    } finally {
      for (const fd of readers) closeSync(fd);
    }
    undo.move();
    return log;
  }

  /** Nothing more comes but from who has it open. */
  [Symbol.dispose](): void {
    for (const fd of this.#held.splice(0)) closeSync(fd);
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

async function run({ uri, id, namespace }: LogAsked, readers: readonly number[]): Promise<void> {
  const { protocol, pathname, searchParams } = new URL(uri);
  const words = [...new Set(searchParams.keys())].flatMap((key) => [key, searchParams.get(key) ?? ""]);
  const child = spawn(decodeURIComponent(pathname), words, {
    cwd: "/",
    detached: true,
    env: { CONTAINER_ID: id, CONTAINER_NAMESPACE: namespace },
    stdio: ["ignore", "ignore", "ignore", ...readers, "pipe"],
  });
  const ready = (child.stdio as readonly unknown[])[READY_FD] as Readable;
  const fail = (problem: string): OrlopError =>
    new OrlopError("failed", `Cannot start log program "${pathname}": ${problem}`, { field: "stdout" });
  const failed = Promise.withResolvers<never>();
  child.once("error", (error) => failed.reject(fail(error.message)));
  let said = false;
  ready.once("data", () => {
    said = true;
    ready.destroy();
  });
  const timer = setTimeout(() => {
    child.kill("SIGKILL");
    failed.reject(fail(`it was not ready in ${READY_TIME_MAX_MS} ms`));
  }, READY_TIME_MAX_MS);
  try {
    await Promise.race([once(ready, "close"), failed.promise]);
  } finally {
    clearTimeout(timer);
    ready.destroy();
    child.unref();
  }
  // Programs of the older kind only close it.
  if (protocol === "binary-v2:" && !said) throw fail("it ended before it was ready");
}
