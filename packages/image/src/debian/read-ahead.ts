/**
 * Reads chunks before they are asked for, up to `bytesMax` of them that nobody has taken. Whoever disposes of it ends the
 * source.
 */
export class ReadAhead implements AsyncDisposable {
  readonly #source: AsyncGenerator<Buffer>;
  readonly #bytesMax: number;
  readonly #chunks: Buffer[] = [];
  readonly #reading: Promise<void>;
  #bytes = 0;
  #state: "reading" | "ended" | "failed" = "reading";
  #error: unknown;
  #isDisposed = false;
  #wake: () => void = () => {};

  constructor(source: AsyncGenerator<Buffer>, bytesMax: number) {
    this.#source = source;
    this.#bytesMax = bytesMax;
    this.#reading = this.#read();
  }

  async *chunks(): AsyncGenerator<Buffer> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        this.#bytes -= chunk.length;
        this.#wake();
        yield chunk;
      } else if (this.#state === "reading") await this.#change();
      else if (this.#state === "failed") throw this.#error;
      else return;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    this.#wake();
    await this.#reading;
  }

  async #read(): Promise<void> {
    try {
      for await (const chunk of this.#source) {
        this.#chunks.push(chunk);
        this.#bytes += chunk.length;
        this.#wake();
        while (this.#bytes > this.#bytesMax && !this.#isDisposed) await this.#change();
        if (this.#isDisposed) break;
      }
      this.#state = "ended";
    } catch (error) {
      this.#state = "failed";
      this.#error = error;
    }
    this.#wake();
  }

  /** Of the two sides one alone waits: the reader where there is too much, the taker where there is nothing. */
  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
