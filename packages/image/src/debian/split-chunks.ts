/** Chunks in two parts that are read one after the other. */
export class SplitChunks {
  readonly #source: AsyncGenerator<Buffer>;
  #left: number;
  #pending: Buffer = Buffer.alloc(0);

  /** `size` is of the first part, in bytes. */
  constructor(source: AsyncGenerator<Buffer>, size: number) {
    this.#source = source;
    this.#left = size;
  }

  async *first(): AsyncGenerator<Buffer> {
    while (this.#left > 0) {
      const { value, done } = await this.#source.next();
      if (done === true) return;
      const part = value.subarray(0, this.#left);
      this.#left -= part.length;
      this.#pending = value.subarray(part.length);
      yield part;
    }
  }

  /** What is behind the first part, wherever the reader of that one has ended; ends the source. */
  async *rest(): AsyncGenerator<Buffer> {
    try {
      for await (const _ of this.first()) {
      }
      if (this.#pending.length > 0) yield this.#pending;
      yield* this.#source;
    } finally {
      await this.close();
    }
  }

  async close(): Promise<void> {
    await this.#source.return(undefined);
  }
}
