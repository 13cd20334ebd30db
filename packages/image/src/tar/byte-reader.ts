/** Chunks of which some need not be looked at. */
export interface Chunks extends AsyncIterable<Buffer> {
  /** Leaves out the next bytes. Without it they are read and dropped. */
  skip?(length: number): void;
}

/** Reads a stream of chunks by lengths. */
export class ByteReader {
  readonly #source: Chunks;
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);
  #position = 0;

  constructor(chunks: Chunks) {
    this.#source = chunks;
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Bytes read or skipped so far. */
  get position(): number {
    return this.#position;
  }

  /** Goes on behind the next bytes, or to the end where there are not so many. */
  async skip(length: number): Promise<void> {
    let left = length;
    while (left > 0) {
      if (this.#rest.length === 0 && this.#source.skip !== undefined) {
        this.#source.skip(left);
        this.#position += left;
        return;
      }
      const part = await this.some(left);
      if (part === undefined) return;
      left -= part.length;
    }
  }

  /** Exactly `length` bytes, or `undefined` when the stream ends before the first; a stream that ends within throws. */
  async take(length: number): Promise<Buffer | undefined> {
    const parts: Buffer[] = [];
    let missing = length;
    while (missing > 0) {
      const part = await this.some(missing);
      if (part === undefined) {
        if (missing === length) return undefined;
        throw new RangeError("the stream ended early");
      }
      parts.push(part);
      missing -= part.length;
    }
    return parts.length === 1 ? parts[0] : Buffer.concat(parts);
  }

  /** At most `length` bytes, whatever there is; `undefined` at the end. */
  async some(length: number): Promise<Buffer | undefined> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#chunks.next();
      if (done) return undefined;
      this.#rest = value;
    }
    const part = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(part.length);
    this.#position += part.length;
    return part;
  }

  /** Reads to the end, so that whoever watches the stream has seen all of it. */
  async drain(): Promise<void> {
    while ((await this.some(Number.MAX_SAFE_INTEGER)) !== undefined);
  }
}
