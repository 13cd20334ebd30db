import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { bundleCheckout } from "../build/bundle-checkout.ts";
import { isInMemory } from "./bench-place.ts";
import type { TimedCommand } from "./command-timer.ts";

/** Where root's state is, which lies in memory on most machines. */
const STATE_DIRECTORY = "/run/orlop";

/** Has a command see a state directory in memory, as its peers are given one. */
const WITH_STATE_IN_MEMORY = [
  ...["unshare", "--mount", "sh", "-c"],
  `mkdir -p -m 711 ${STATE_DIRECTORY} && mount -t tmpfs -o mode=711 tmpfs ${STATE_DIRECTORY} && exec "$0" "$@"`,
] as const;

interface OwnDaemonOptions {
  /** Its state lies in memory on this machine, too: the daemon and its commands see mounts of their own. */
  readonly inMemory?: boolean;
}

/** `orlop serve engine` with a store of its own, and the command that it serves. */
export class OwnDaemon implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #command: Pick<TimedCommand, "env" | "mountsOf"> & { readonly launcher: string };

  private constructor(daemon: ChildProcess, launcher: string, env: NodeJS.ProcessEnv, hasOwnMounts: boolean) {
    this.#process = daemon;
    this.#command = { launcher, env, ...(hasOwnMounts ? { mountsOf: this.pid } : {}) };
  }

  /** `store` is its ORLOP_ROOT, which need not be there yet. */
  static async start(store: string, { inMemory = false }: OwnDaemonOptions = {}): Promise<OwnDaemon> {
    const root = join(import.meta.dirname, "../..");
    await bundleCheckout(root);
    const launcher = join(root, "packages/orlop/bin/orlop");
    const { ORLOP_SOURCES: _, ...inherited } = process.env;
    const env = { ...inherited, ORLOP_ROOT: store };
    mkdirSync(store, { recursive: true });
    const hasOwnMounts = inMemory && !isInMemory(dirname(STATE_DIRECTORY));
    const [program, ...args] = [...(hasOwnMounts ? WITH_STATE_IN_MEMORY : []), launcher, "serve", "engine"];
    const daemon = spawn(program, args, { env, stdio: ["ignore", "ignore", "pipe"] });
    // It says so when it serves.
    await once(daemon.stderr, "data");
    return new OwnDaemon(daemon, launcher, env, hasOwnMounts);
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  call(...args: readonly string[]): TimedCommand {
    const { launcher, ...rest } = this.#command;
    return { argv: [launcher, ...args], ...rest };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, "exit");
    this.#process.kill("SIGTERM");
    await ended;
  }
}
