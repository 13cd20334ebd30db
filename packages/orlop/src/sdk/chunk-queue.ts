/** What a program has written in one go: to standard output (1) or to standard error (2). */
export interface OutputChunk {
  readonly fd: 1 | 2;
  readonly data: Buffer;
}

/** Bytes that wait to be taken, beyond which the program has to wait, too. */
const WAITING_MAX_BYTES = 1024 * 1024;

/** Chunks between who reads pipes and one who takes them in turn. */
export class ChunkQueue {
  readonly #onFull: () => void;
  readonly #onRoom: () => void;
  #chunks: OutputChunk[] = [];
  #bytes = 0;
  #full = false;
  #wake: (() => void) | undefined;

  constructor(onFull: () => void, onRoom: () => void) {
    this.#onFull = onFull;
    this.#onRoom = onRoom;
  }

  add(chunk: OutputChunk): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.data.length;
    if (!this.#full && this.#bytes > WAITING_MAX_BYTES) {
      this.#full = true;
      this.#onFull();
    }
    this.#wake?.();
  }

  /** All that is there, when something is or `ended` has come. */
  async take(ended: Promise<unknown>): Promise<readonly OutputChunk[]> {
    if (this.#chunks.length === 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await Promise.race([promise, ended]);
      this.#wake = undefined;
    }
    const taken = this.#chunks;
    this.#chunks = [];
    this.#bytes = 0;
    if (this.#full) {
      this.#full = false;
      this.#onRoom();
    }
    return taken;
  }
}
