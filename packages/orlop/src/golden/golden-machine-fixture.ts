import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Logs, NetworkDriver } from "@orlop/core";
import { type Container, Engine, type EngineEvent } from "@orlop/engine";
import { Database, FileLock } from "@orlop/image";

interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number;
}

/** Our commands on a state that is as a test wants it: containers that run do so only in the database. */
export class GoldenMachine implements AsyncDisposable {
  readonly #directory: string = mkdtempSync(join(tmpdir(), "orlop-golden-"));
  readonly #database: Database;
  readonly #locks: FileLock[] = [];
  readonly #shell: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  constructor() {
    this.#database = new Database(join(this.#directory, "metadata.db"));
    mkdirSync(join(this.#directory, "locks"), { mode: 0o700 });
    const engine = this.#engine();
    if (engine.needsAttendant) throw new Error("its tables are not empty");
    const program = join(import.meta.dirname, "golden-shell-fixture.ts");
    const env = { PATH: process.env.PATH, TZ: "UTC", HOME: this.#directory, ORLOP_ROOT: this.#directory };
    this.#shell = spawn(process.execPath, ["--conditions=source", program], {
      env,
      stdio: ["pipe", "pipe", "inherit"],
    });
    if (this.#shell.stdout === null) throw new Error("it has no standard output");
    this.#answers = createInterface({ input: this.#shell.stdout })[Symbol.asyncIterator]();
  }

  add(container: Container): void {
    const { state, ...description } = container;
    const { id, name, createdAtMs } = description;
    const endpoints = JSON.stringify(state.endpoints);
    this.#database.transaction(() => {
      this.#database.run(
        `insert into engine_containers (id, name, created_at_ms, status, pid, started_at_ms, finished_at_ms, exit_code,
           endpoints, attended, description) values (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)`,
        ...[id, name, createdAtMs, state.status, state.pid ?? null, state.startedAtMs ?? null],
        ...[state.finishedAtMs ?? null, state.exitCode, endpoints, JSON.stringify(description)],
      );
    });
    if (state.status !== "running" && state.status !== "paused") return;
    // Nobody asks the kernel for what somebody else is at.
    const lock = FileLock.try(join(this.#directory, "locks", `container-${id}`));
    if (lock !== undefined) this.#locks.push(lock);
  }

  addVolume(name: string, createdAtMs: number, labels: Readonly<Record<string, string>>): string {
    this.#database.transaction(() => {
      const sql = "insert into engine_volumes (name, created_at_ms, anonymous, labels) values (?, ?, 0, ?)";
      this.#database.run(sql, name, createdAtMs, JSON.stringify(labels));
    });
    return join(this.#directory, "volumes", name, "_data");
  }

  addEvent({ atMs, type, action, id, attributes }: Omit<EngineEvent, "number">): void {
    this.#database.transaction(() => {
      const sql = "insert into engine_events (at_ms, type, action, id, attributes) values (?, ?, ?, ?, ?)";
      this.#database.run(sql, atMs, type, action, id, JSON.stringify(attributes));
    });
  }

  /** One of our command lines. */
  async orlop(...args: readonly string[]): Promise<Outcome> {
    this.#shell.stdin?.write(`${JSON.stringify(args)}\n`);
    const { value } = await this.#answers.next();
    return JSON.parse(value ?? "null") as Outcome;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#shell, "exit");
    this.#shell.stdin?.end();
    await ended;
    for (const lock of this.#locks) lock[Symbol.dispose]();
    this.#database.close();
    rmSync(this.#directory, { recursive: true });
  }

  /** For its tables alone. */
  #engine(): Engine {
    const none = async (): Promise<never> => {
      throw new Error("nothing is run here");
    };
    const logs: Logs = { start: none, async *read() {} };
    return new Engine({
      database: this.#database,
      directory: this.#directory,
      stateDirectory: join(this.#directory, "run"),
      runtime: none,
      roots: { open: none, remove: none, discard: none },
      logs,
      makePipe: none,
      networks: none as () => Promise<NetworkDriver>,
      transients: () => [],
    });
  }
}
