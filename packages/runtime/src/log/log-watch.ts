import { type FSWatcher, watch } from "node:fs";
import { dirname } from "node:path";

/** How often to look where changes cannot be watched. */
const LOOK_EVERY_MS = 250;

/** Waits for changes of a log: of its files, and of their names. */
export class LogWatch implements Disposable {
  readonly #watcher: FSWatcher | undefined;
  readonly #signal: AbortSignal | undefined;
  #changed = false;
  #wake: () => void = () => {};
  readonly #onAbort = (): void => this.#notice();

  constructor(file: string, signal: AbortSignal | undefined) {
    this.#signal = signal;
    signal?.addEventListener("abort", this.#onAbort);
    try {
      this.#watcher = watch(dirname(file), () => this.#notice());
      this.#watcher.on("error", () => this.#notice());
    } catch {
      // A machine has only so many watches.
      this.#watcher = undefined;
    }
  }

  #notice(): void {
    this.#changed = true;
    this.#wake();
  }

  /** Changes from here on end the next `wait`; call it before looking. */
  arm(): void {
    this.#changed = false;
  }

  /** Resolves at a change since `arm`, an abort, or the Unix time `until`, in milliseconds. */
  async wait(untilMs?: number): Promise<void> {
    if (this.#changed || this.#signal?.aborted === true) return;
    const late = untilMs === undefined ? Number.POSITIVE_INFINITY : Math.max(0, untilMs - Date.now());
    const limit = Math.min(late, this.#watcher === undefined ? LOOK_EVERY_MS : TIMER_MAX_MS);
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = Number.isFinite(late) || this.#watcher === undefined ? setTimeout(resolve, limit) : undefined;
    this.#wake = resolve;
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#wake = () => {};
    }
  }

  [Symbol.dispose](): void {
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#watcher?.close();
  }
}

/** The most that a timer takes. */
const TIMER_MAX_MS = 0x7fff_ffff;
