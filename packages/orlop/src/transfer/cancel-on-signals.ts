import { OrlopError } from "@orlop/core";
import { type Caller, caller } from "../caller/caller.ts";

/**
 * Ends what goes on when somebody interrupts this process, so that it can clean up; a second time the process ends at
 * once, as without this.
 */
export class CancelOnSignals implements Disposable {
  readonly #caller: Caller = caller();
  readonly #controller = new AbortController();

  constructor() {
    for (const name of SIGNALS) this.#caller.on(name, this.#cancel);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    for (const name of SIGNALS) this.#caller.off(name, this.#cancel);
  }

  readonly #cancel = (name: NodeJS.Signals): void => {
    this[Symbol.dispose]();
    this.#controller.abort(new OrlopError("cancelled", `Cannot go on: ended by ${name}`));
  };
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
