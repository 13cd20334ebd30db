import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { bundleCheckout } from "../build/bundle-checkout.ts";
import type { BenchPlace } from "./bench-place.ts";
import type { TimedCommand } from "./command-timer.ts";

/** `orlop serve engine` with a store of its own, and the command that it serves. */
export class OwnDaemon implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #launcher: string;
  readonly #env: NodeJS.ProcessEnv;

  private constructor(daemon: ChildProcess, launcher: string, env: NodeJS.ProcessEnv) {
    this.#process = daemon;
    this.#launcher = launcher;
    this.#env = env;
  }

  static async start(place: BenchPlace, name: string): Promise<OwnDaemon> {
    const root = join(import.meta.dirname, "../..");
    await bundleCheckout(root);
    const launcher = join(root, "packages/orlop/bin/orlop");
    const { ORLOP_SOURCES: _, ...inherited } = process.env;
    const env = { ...inherited, ORLOP_ROOT: join(place.stateDirectory, name) };
    mkdirSync(env.ORLOP_ROOT);
    const daemon = spawn(launcher, ["serve", "engine"], { env, stdio: ["ignore", "ignore", "pipe"] });
    // It says so when it serves.
    await once(daemon.stderr, "data");
    return new OwnDaemon(daemon, launcher, env);
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  call(...args: readonly string[]): TimedCommand {
    return { argv: [this.#launcher, ...args], env: this.#env };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, "exit");
    this.#process.kill("SIGTERM");
    await ended;
  }
}
