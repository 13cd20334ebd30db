import { Attendant } from "../containers/attendant.ts";
import type { OpenEngine } from "../containers/open-engine.ts";

/** Looks after containers within a process that stays, as long as there is something to look after and nobody else does. */
export class InnerAttendant implements AsyncDisposable {
  readonly #open: OpenEngine;
  readonly #stop = new AbortController();
  readonly #attending: Promise<void>;
  #wake: PromiseWithResolvers<void> = Promise.withResolvers<void>();

  constructor(open: OpenEngine) {
    this.#open = open;
    // Here and not where it is woken: it works for nobody in particular.
    this.#attending = this.#attend();
  }

  /** Begins, unless it has. */
  attend(): void {
    this.#wake.resolve();
  }

  async #attend(): Promise<void> {
    const { engine, depot } = this.#open;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#wake.promise;
      this.#wake = Promise.withResolvers();
      while (engine.needsAttendant && !signal.aborted) {
        using attendant = Attendant.try(depot.root);
        if (attendant === undefined) break;
        await engine.attend(signal);
      }
    }
  }

  /** Leaves what there is to a process of its own, as commands without a daemon do. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#wake.resolve();
    await this.#attending;
    Attendant.ensure(this.#open.engine, this.#open.depot.root);
  }
}
