import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findProgram } from "../steps/find-program.ts";
import type { BenchPlace } from "./bench-place.ts";
import { unmountBelow } from "./pull/unmount-below.ts";

const patienceMs = 20_000;

/** What a docker of its own needs. */
const PROGRAMS = ["docker", "dockerd", "containerd", "runc"] as const;

/** A dockerd of its own with its default runtime, without networks. */
export class Docker implements AsyncDisposable {
  /** The words in front of a verb of docker's. */
  readonly command: readonly [file: string, ...args: readonly string[]];
  readonly #directory: string;
  readonly #daemon: ChildProcess;

  private constructor(place: BenchPlace) {
    this.#directory = join(place.stateDirectory, "docker");
    mkdirSync(join(this.#directory, "client"), { recursive: true });
    const socket = `unix://${this.#directory}/socket`;
    this.command = [findProgram("docker") ?? "docker", "--config", join(this.#directory, "client"), "--host", socket];
    const configuration = join(this.#directory, "daemon.json");
    const places = { "data-root": `${this.#directory}/data`, "exec-root": `${this.#directory}/exec` };
    const settings = { hosts: [socket], pidfile: `${this.#directory}/pid`, "cgroup-parent": `/${place.mark}` };
    const nothing = { bridge: "none", iptables: false, ip6tables: false, "storage-driver": "overlay2" };
    writeFileSync(configuration, JSON.stringify({ ...places, ...settings, ...nothing }));
    this.#daemon = spawn("dockerd", ["--config-file", configuration, "--log-level=error"], { stdio: "ignore" });
  }

  /** Why there is none here, or undefined. */
  static obstacle(): string | undefined {
    const missing = PROGRAMS.find((program) => findProgram(program) === undefined);
    return missing === undefined ? undefined : `${missing} is not installed`;
  }

  /** Resolves when it answers. */
  static async start(place: BenchPlace): Promise<Docker> {
    await using stack = new AsyncDisposableStack();
    const started = stack.use(new Docker(place));
    const end = performance.now() + patienceMs;
    while (!(await started.#answers(place)) && performance.now() < end) await sleep(50);
    stack.move();
    return started;
  }

  /** Makes an image of a directory. */
  import(root: string, name: string): void {
    const archive = execFileSync("tar", ["--directory", root, "--create", "."], { maxBuffer: 1 << 30 });
    const [file, ...args] = this.command;
    execFileSync(file, [...args, "import", "-", name], { input: archive, stdio: ["pipe", "ignore", "inherit"] });
  }

  async #answers(place: BenchPlace): Promise<boolean> {
    return (await place.timer.run({ argv: [...this.command, "version"] })).exitCode === 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#daemon.exitCode === null) {
      const ended = once(this.#daemon, "exit");
      this.#daemon.kill("SIGTERM");
      await ended;
    }
    unmountBelow(this.#directory);
  }
}
