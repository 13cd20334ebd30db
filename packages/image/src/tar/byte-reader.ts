/** Chunks of which some need not be looked at. */
export interface Chunks extends AsyncIterable<Buffer> {
  /** Leaves out the next bytes. Without it they are read and dropped. */
  skip?(length: number): void;
}

/** Reads a stream of chunks by lengths. */
export class ByteReader {
  readonly #source: Chunks;
  readonly #chunks: AsyncIterator<Buffer>;
  #chunk: Buffer = Buffer.alloc(0);
  /** What of the chunk has been read. */
  #at = 0;
  /** Bytes in front of the chunk. */
  #before = 0;

  constructor(chunks: Chunks) {
    this.#source = chunks;
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Bytes read or skipped so far. */
  get position(): number {
    return this.#before + this.#at;
  }

  /** Exactly `length` bytes, if so many have come: a promise for each of them would take longer than the reading itself. */
  ready(length: number): Buffer | undefined {
    return this.#chunk.length - this.#at >= length ? this.#cut(length) : undefined;
  }

  /** Goes on behind the next bytes, or to the end where there are not so many. */
  async skip(length: number): Promise<void> {
    let left = length;
    while (left > 0) {
      if (this.#at === this.#chunk.length && this.#source.skip !== undefined) {
        this.#source.skip(left);
        this.#before += left;
        return;
      }
      if (!(await this.#fill())) return;
      const step = Math.min(left, this.#chunk.length - this.#at);
      this.#at += step;
      left -= step;
    }
  }

  /** Exactly `length` bytes, or `undefined` when the stream ends before the first; a stream that ends within throws. */
  async take(length: number): Promise<Buffer | undefined> {
    const ready = this.ready(length);
    if (ready !== undefined) return ready;
    const parts: Buffer[] = [];
    let missing = length;
    while (missing > 0) {
      const part = await this.some(missing);
      if (part === undefined) {
        if (missing === length) return undefined;
        throw new RangeError("the stream ended early");
      }
      // What it is in may be gone when the next chunk has come.
      parts.push(Buffer.from(part));
      missing -= part.length;
    }
    return Buffer.concat(parts, length);
  }

  /** At most `length` bytes, whatever there is; `undefined` at the end. */
  async some(length: number): Promise<Buffer | undefined> {
    return (await this.#fill()) ? this.#cut(length) : undefined;
  }

  /** Reads to the end, so that whoever watches the stream has seen all of it. */
  async drain(): Promise<void> {
    while ((await this.some(Number.MAX_SAFE_INTEGER)) !== undefined);
  }

  /** Whether there is a byte more. */
  async #fill(): Promise<boolean> {
    while (this.#at === this.#chunk.length) {
      const { done, value } = await this.#chunks.next();
      if (done) return false;
      this.#before += this.#chunk.length;
      this.#chunk = value;
      this.#at = 0;
    }
    return true;
  }

  #cut(lengthMax: number): Buffer {
    const start = this.#at;
    this.#at = Math.min(start + lengthMax, this.#chunk.length);
    return this.#chunk.subarray(start, this.#at);
  }
}
