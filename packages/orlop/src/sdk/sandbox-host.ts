import { join } from "node:path";
import { Zygote } from "@orlop/kernel";
import { ProcessRuntime } from "@orlop/runtime";
import { makePipes } from "../run/make-pipes.ts";
import { PipePool } from "./pipe-pool.ts";
import { zygotePlace } from "./zygote-place.ts";

/** By state directory: what this process has. */
const hosts = new Map<string, SandboxHost>();

/**
 * What makes the containers of this process's sandboxes: one runtime with one zygote, whose start costs more than a container.
 *
 * It stays for the next sandbox, and neither keeps the process from ending nor outlives it.
 */
export class SandboxHost implements Disposable {
  readonly runtime: ProcessRuntime;
  /** For the streams of commands. */
  readonly pipes: PipePool = new PipePool((count) => makePipes(count, this.#started()));
  #zygote: Zygote | undefined;
  #users = 0;

  private constructor(stateDirectory: string) {
    const startZygote = (): Zygote => this.#started();
    this.runtime = new ProcessRuntime({ root: join(stateDirectory, "containers"), startZygote, ...zygotePlace() });
  }

  /** For one sandbox, which gives it back by disposal. */
  static take(stateDirectory: string): SandboxHost {
    const host = hosts.get(stateDirectory) ?? new SandboxHost(stateDirectory);
    hosts.set(stateDirectory, host);
    if (host.#users++ === 0) host.#started().ref();
    return host;
  }

  /** That is there while this is. */
  get zygote(): Zygote {
    return this.#started();
  }

  [Symbol.dispose](): void {
    if (--this.#users === 0) this.#zygote?.unref();
  }

  #started(): Zygote {
    if (this.#zygote?.alive !== true) this.#zygote = Zygote.start();
    return this.#zygote;
  }
}
