import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { type CommandFixture, LAUNCHER } from "./command-fixture.ts";

/** A daemon for the commands of a fixture. */
export class DaemonProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  /** What it has said. */
  readonly said: string[] = [];

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Resolves when it serves. */
  static async start({ env, directory }: CommandFixture): Promise<DaemonProcess> {
    const child = spawn(LAUNCHER, ["serve", "engine"], { env, cwd: directory, stdio: ["ignore", "ignore", "pipe"] });
    const daemon = new DaemonProcess(child);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    child.once("exit", () => reject(new Error(`the daemon has ended: ${daemon.said.join("\n")}`)));
    if (child.stderr === null) throw new Error("no pipe");
    createInterface({ input: child.stderr }).on("line", (line) => {
      daemon.said.push(line);
      if (line.startsWith("Serving")) resolve();
    });
    await promise;
    return daemon;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Resolves with its exit code when it has ended. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exited = once(this.#child, "exit");
      this.#child.kill(signal);
      await exited;
    }
    return this.#child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("SIGTERM");
  }
}
