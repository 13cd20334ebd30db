import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { patience } from "@orlop/testkit";

/** The command as a user calls it. */
export const LAUNCHER: string = join(import.meta.dirname, "../../bin/orlop");

/** Longer than any command here takes on a busy machine; one that hangs is killed. */
const TIMEOUT_MS = patience(60_000);

export interface CommandResult {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  /** Absent: /dev/null. */
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Called when the command has written this much to standard output. */
  readonly onOutput?: (text: string, child: ChildProcess) => void;
}

/** Starts commands, and knows afterwards which containers they made. */
export class CommandFixture implements Disposable {
  /** A directory for the test, which is removed at the end. */
  readonly directory: string;
  /** Where its commands keep images. */
  readonly store: string;
  readonly #ids: string;
  readonly #env: Readonly<Record<string, string>>;
  #runs = 0;

  /** @param env of all commands */
  constructor(env: Readonly<Record<string, string>> = {}) {
    this.#env = env;
    this.directory = realpathSync(mkdtempSync(join(tmpdir(), "orlop-command-")));
    this.#ids = join(this.directory, "ids");
    this.store = join(this.directory, "store");
    for (const name of ["ids", "tmp"]) mkdirSync(join(this.directory, name));
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** `orlop run --rm FLAGS...`, the id of the container noted. */
  run(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return this.orlop(["run", "--rm", ...this.idFlags(), ...args], options);
  }

  /** Flags that note the container's id. */
  idFlags(): readonly string[] {
    return ["--cidfile", join(this.#ids, String(this.#runs++))];
  }

  orlop(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return this.start(LAUNCHER, args, options);
  }

  get env(): NodeJS.ProcessEnv {
    return { ...process.env, TMPDIR: join(this.directory, "tmp"), ORLOP_ROOT: this.store, ...this.#env };
  }

  /** Any program, in the environment of the test's commands. */
  async start(file: string, args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    const child = spawn(file, args, {
      env: { ...this.env, ...options.env },
      cwd: options.cwd ?? this.directory,
      stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    });
    const timer = setTimeout(() => child.kill("SIGKILL"), TIMEOUT_MS);
    let [stdout, stderr] = ["", ""];
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      options.onOutput?.(stdout, child);
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.stdin?.on("error", () => {}).end(options.input);
    const { promise, resolve, reject } = Promise.withResolvers<CommandResult>();
    child.on("error", reject);
    child.on("close", (exitCode, signal) => resolve({ exitCode, signal, stdout, stderr }));
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ids of the containers that were made. */
  containerIds(): readonly string[] {
    return readdirSync(this.#ids)
      .map((name) => readFileSync(join(this.#ids, name), "utf8"))
      .filter((id) => id !== "");
  }

  /** What was unpacked and not removed. */
  leftOver(): readonly string[] {
    return readdirSync(join(this.directory, "tmp"));
  }
}
