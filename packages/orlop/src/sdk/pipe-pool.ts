import type { PipeEnds } from "../run/make-pipes.ts";

/** So many are made at once: those of a few commands, for making them waits for another process. */
const MADE_AT_ONCE = 8;

/** Pipes for commands, some of which are made before somebody needs them. They have no names, and go with this process. */
export class PipePool {
  readonly #make: (count: number) => Promise<readonly PipeEnds[]>;
  #ready: PipeEnds[] = [];
  #making: Promise<void> | undefined;

  /** @param make makes so many */
  constructor(make: (count: number) => Promise<readonly PipeEnds[]>) {
    this.#make = make;
  }

  /** Begins to make some where there are not so many. What that fails at, {@link take} tells. */
  prepare(count: number): void {
    if (this.#ready.length < count) this.#more(count).catch(() => {});
  }

  /** So many pipes, which are the caller's to close. Rejects as `make` does. */
  async take(count: number): Promise<readonly PipeEnds[]> {
    while (this.#ready.length < count) await this.#more(count);
    return this.#ready.splice(0, count);
  }

  /** Those that are being made may be too few, or others' by then. */
  #more(count: number): Promise<void> {
    this.#making ??= this.#make(Math.max(count, MADE_AT_ONCE))
      .then((made) => void this.#ready.push(...made))
      .finally(() => {
        this.#making = undefined;
      });
    return this.#making;
  }
}
