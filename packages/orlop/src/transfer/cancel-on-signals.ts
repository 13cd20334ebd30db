import { OrlopError } from "@orlop/core";

/**
 * Ends what goes on when somebody interrupts this process, so that it can clean up; a second time the process ends at
 * once, as without this.
 */
export class CancelOnSignals implements Disposable {
  readonly #controller = new AbortController();

  constructor() {
    for (const name of SIGNALS) process.once(name, this.#cancel);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    for (const name of SIGNALS) process.off(name, this.#cancel);
  }

  readonly #cancel = (name: NodeJS.Signals): void => {
    this[Symbol.dispose]();
    this.#controller.abort(new OrlopError("cancelled", `Cannot go on: ended by ${name}`));
  };
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
