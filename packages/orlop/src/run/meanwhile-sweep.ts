import { sweepOrphans } from "./sweep-orphans.ts";

/** A container that lasts is there by then, and whoever waits for one that does not has been answered. */
const DELAY_MS = 100;

/** Removes what other runs have left, once: while there is nothing else to do, or when somebody wants it to begin. */
export class MeanwhileSweep {
  readonly #stateDirectory: string;
  readonly #onFailure: (error: unknown) => void;
  /** What has been begun; never rejects. */
  done: Promise<void> | undefined;

  constructor(stateDirectory: string, onFailure: (error: unknown) => void) {
    this.#stateDirectory = stateDirectory;
    this.#onFailure = onFailure;
    setTimeout(() => this.begin(), DELAY_MS).unref();
  }

  begin(): Promise<void> {
    this.done ??= sweepOrphans(this.#stateDirectory).catch(this.#onFailure);
    return this.done;
  }
}
