/** What is read into while heads are waited for. */
const SMALL_BYTES = 64 * 1024;
/** What large bodies are read into: with few reads, and in chunks that are as large. */
const LARGE_BYTES = 1024 * 1024;
/** A slab with less room is not read into any more. */
const ROOM_MIN_BYTES = 16 * 1024;
/** Large ones that wait to be read into again. */
const SPARES_MAX = 4;

interface Slab {
  readonly buffer: Buffer;
  filledBytes: number;
  /** What was lent of it and did not come back. */
  lentBytes: number;
}

/**
 * The memory that a connection reads into. Slices of it are lent; a slab is read into again when all that was lent of it has
 * been given back, since memory that is new has to be cleared by the kernel first. One of which something never comes back is
 * left to garbage collection.
 */
export class Slabs {
  #current: Slab;
  readonly #spares: Slab[] = [];
  readonly #known = new WeakMap<ArrayBufferLike, Slab>();

  constructor() {
    this.#current = this.#make(SMALL_BYTES);
  }

  /** What is to be read into next. @param leftBytes how much is known to come */
  room(leftBytes: number): Buffer {
    const { buffer, filledBytes } = this.#current;
    if (buffer.length - filledBytes < ROOM_MIN_BYTES) this.#current = this.#next(leftBytes > SMALL_BYTES);
    return this.#current.buffer.subarray(this.#current.filledBytes);
  }

  /** So much has been read into the room. */
  fill(length: number): Buffer {
    const { buffer, filledBytes } = this.#current;
    this.#current.filledBytes += length;
    return buffer.subarray(filledBytes, filledBytes + length);
  }

  lend({ buffer, length }: Buffer): void {
    const slab = this.#known.get(buffer);
    if (slab !== undefined) slab.lentBytes += length;
  }

  /** Of what was lent: nobody looks at it any more. */
  giveBack({ buffer, length }: Buffer): void {
    const slab = this.#known.get(buffer);
    if (slab === undefined) return;
    slab.lentBytes -= length;
    if (slab !== this.#current && slab.lentBytes === 0) this.#spare(slab);
  }

  #next(isLarge: boolean): Slab {
    if (this.#current.lentBytes === 0) this.#spare(this.#current);
    const spare = isLarge ? this.#spares.pop() : undefined;
    if (spare === undefined) return this.#make(isLarge ? LARGE_BYTES : SMALL_BYTES);
    spare.filledBytes = 0;
    return spare;
  }

  #spare(slab: Slab): void {
    if (slab.buffer.length === LARGE_BYTES && this.#spares.length < SPARES_MAX) this.#spares.push(slab);
  }

  #make(length: number): Slab {
    const slab = { buffer: Buffer.allocUnsafeSlow(length), filledBytes: 0, lentBytes: 0 };
    this.#known.set(slab.buffer.buffer, slab);
    return slab;
  }
}
