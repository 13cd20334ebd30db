/** Calls back when nothing has happened for a while in a time in which something was waited for. */
export class StallTimer implements Disposable {
  readonly #timer: NodeJS.Timeout;
  #waiting = true;

  constructor(ms: number, onStall: () => void) {
    this.#timer = setTimeout(() => {
      if (this.#waiting) onStall();
    }, ms);
  }

  /** Something happened, and more is waited for. */
  wait(): void {
    this.#waiting = true;
    this.#timer.refresh();
  }

  /** It is for us to go on, which may take what it takes. */
  hold(): void {
    this.#waiting = false;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}

/** A server that said nothing for too long. */
export class StallError extends Error {
  override readonly name = "StallError";

  constructor(ms: number) {
    super(`was silent for ${ms / 1000} s`);
  }
}
