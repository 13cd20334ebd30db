import { constants } from "node:os";
import { type Caller, caller } from "../caller/caller.ts";

/**
 * Signals that are not passed on: what nobody can catch, what is about this process itself (its children, its pipes,
 * its faults, its profiler), and SIGURG, which Go programs send themselves.
 */
const KEPT: ReadonlySet<string> = new Set([
  "SIGKILL",
  "SIGSTOP",
  "SIGCHLD",
  "SIGPIPE",
  "SIGURG",
  "SIGSEGV",
  "SIGBUS",
  "SIGFPE",
  "SIGILL",
  "SIGTRAP",
  "SIGSYS",
  "SIGPROF",
]);
/** Other names of signals that stand in the list already. */
const SYNONYMS: ReadonlySet<string> = new Set(["SIGIOT", "SIGPOLL", "SIGUNUSED"]);

const TERMINATING: ReadonlySet<number> = new Set([constants.signals.SIGINT, constants.signals.SIGTERM]);
/** So many of them before there is a container to take them end this process, as they do docker's. */
const IMPATIENCE = 3;

/**
 * Passes the signals that this process gets on to the container. Those that come before {@link deliverTo} wait.
 *
 * Node cannot catch real-time signals; they end this process, and the container with it.
 */
export class SignalProxy implements Disposable {
  readonly #caller: Caller = caller();
  readonly #listeners = new Map<NodeJS.Signals, () => void>();
  readonly #waiting: number[] = [];
  #deliver: ((signal: number) => void) | undefined;

  constructor(options: { readonly except: readonly NodeJS.Signals[] }) {
    for (const [name, number] of Object.entries(constants.signals)) {
      if (KEPT.has(name) || SYNONYMS.has(name)) continue;
      const signal = name as NodeJS.Signals;
      if (options.except.includes(signal)) continue;
      const listener = (): void => this.#take(number);
      this.#listeners.set(signal, listener);
      this.#caller.on(signal, listener);
    }
  }

  deliverTo(deliver: (signal: number) => void): void {
    this.#deliver = deliver;
    for (const signal of this.#waiting.splice(0)) deliver(signal);
  }

  #take(signal: number): void {
    if (this.#deliver !== undefined) {
      this.#deliver(signal);
      return;
    }
    this.#waiting.push(signal);
    const impatient = this.#waiting.filter((each) => TERMINATING.has(each)).length;
    if (impatient >= IMPATIENCE) this.#caller.exit(128 + signal);
  }

  [Symbol.dispose](): void {
    for (const [signal, listener] of this.#listeners) this.#caller.off(signal, listener);
  }
}
