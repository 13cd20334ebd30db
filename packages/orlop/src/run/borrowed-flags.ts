/**
 * Flags of V8's that are others for as long as somebody asks for it.
 *
 * They must not be left so: V8 writes its flags into compiled code that is kept for the next process, and with other ones it refuses
 * that.
 */
export class BorrowedFlags {
  readonly #meanwhile: readonly string[];
  readonly #usual: readonly string[];
  /** How many ask at the moment. */
  #asking = 0;

  constructor(meanwhile: readonly string[], usual: readonly string[]) {
    this.#meanwhile = meanwhile;
    this.#usual = usual;
  }

  borrow(): Disposable {
    if (this.#asking++ === 0) setFlags(this.#meanwhile);
    return {
      [Symbol.dispose]: () => {
        if (--this.#asking === 0) setFlags(this.#usual);
      },
    };
  }
}

function setFlags(flags: readonly string[]): void {
  // Loaded no sooner: most commands borrow none.
  const { setFlagsFromString } = process.getBuiltinModule("node:v8");
  for (const flag of flags) setFlagsFromString(flag);
}
