import { join } from "node:path";
import { Zygote } from "@orlop/kernel";
import { ProcessRuntime } from "@orlop/runtime";
import { makePipes, type PipeEnds } from "../run/make-pipes.ts";

/** What makes the containers of this process's sandboxes. */
export class SandboxHost implements Disposable {
  readonly runtime: ProcessRuntime;
  readonly #stateDirectory: string;
  #zygote: Zygote;

  constructor(stateDirectory: string) {
    this.#stateDirectory = stateDirectory;
    this.#zygote = Zygote.start();
    const startZygote = (): Zygote => this.#alive();
    this.runtime = new ProcessRuntime({ root: join(stateDirectory, "containers"), startZygote });
  }

  /** Pipes whose ends are descriptors of this process. */
  async makePipes(count: number): Promise<readonly PipeEnds[]> {
    return await makePipes(this.#stateDirectory, count, this.#alive());
  }

  [Symbol.dispose](): void {
    this.runtime.close();
    this.#zygote.close();
  }

  #alive(): Zygote {
    if (!this.#zygote.alive) this.#zygote = Zygote.start();
    return this.#zygote;
  }
}
