import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { BenchPlace } from "./bench-place.ts";

const patienceMs = 20_000;

interface ContainerdOptions {
  /** Tells it from others of the same place. */
  readonly name: string;
  readonly ctr: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Mounts that it, and what it starts, does not see. */
  readonly hidden?: readonly string[];
}

/** A containerd of its own. */
export class Containerd implements AsyncDisposable {
  /** The words in front of a verb of ctr's. */
  readonly command: readonly [file: string, ...args: readonly string[]];
  readonly #daemon: ChildProcess;

  private constructor(place: BenchPlace, { name, ctr, env = process.env, hidden = [] }: ContainerdOptions) {
    const directory = join(place.stateDirectory, `containerd-${name}`);
    mkdirSync(directory);
    const socket = join(directory, "socket");
    this.command = [ctr, "--address", socket];
    const configuration = join(directory, "config.toml");
    const places = `root = "${directory}/root"\nstate = "${directory}/state"\n`;
    const plugins = 'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n';
    writeFileSync(configuration, `version = 2\n${places}${plugins}[grpc]\naddress = "${socket}"\n`);
    const daemon = `exec containerd --config ${configuration} --log-level error`;
    const hide = hidden.map((path) => `umount -l ${path}; `);
    const [file, ...args] =
      hidden.length > 0
        ? ["unshare", "--mount", "--propagation=private", "sh", "-c", `${hide.join("")}${daemon}`]
        : ["sh", "-c", daemon];
    this.#daemon = spawn(file ?? "", args, { stdio: "ignore", env });
  }

  /** Resolves when it answers. */
  static async start(place: BenchPlace, options: ContainerdOptions): Promise<Containerd> {
    const started = new Containerd(place, options);
    const end = performance.now() + patienceMs;
    while (!(await started.#answers(place)) && performance.now() < end) await sleep(50);
    return started;
  }

  async #answers(place: BenchPlace): Promise<boolean> {
    return (await place.timer.run({ argv: [...this.command, "version"] })).exitCode === 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#daemon.exitCode !== null) return;
    const ended = once(this.#daemon, "exit");
    this.#daemon.kill("SIGTERM");
    await ended;
  }
}
