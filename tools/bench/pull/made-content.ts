/** Numbers from 0 up to 1, the same in each run: a 32-bit state that goes on by a constant and is mixed (splitmix32). */
export function seededNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

const WORD_COUNT = 4_000;
const POOL_BYTES = 16 * 1024 * 1024;
const PIECE_BYTES = { least: 200, most: 4_000 };

/**
 * Content that gzip makes about two and a half times smaller, as it does with most programs and sources: words of which
 * some come often and most seldom. Pieces of a pool of it follow each other, so far apart that gzip sees none twice.
 */
export class MadeContent {
  readonly #pool: Buffer;

  constructor(seed: number) {
    const random = seededNumbers(seed);
    const words = Array.from({ length: WORD_COUNT }, () => makeWord(random));
    const pool: string[] = [];
    for (let bytes = 0; bytes < POOL_BYTES; ) {
      const word = words[Math.floor(WORD_COUNT * random() ** 3.5)] ?? "";
      pool.push(word);
      bytes += word.length;
    }
    this.#pool = Buffer.from(pool.join(""), "latin1").subarray(0, POOL_BYTES);
  }

  /** As many bytes; which ones the seed says. */
  *bytes(size: number, seed: number): Generator<Buffer> {
    const random = seededNumbers(seed);
    for (let left = size; left > 0; ) {
      const wanted = PIECE_BYTES.least + Math.floor(random() * (PIECE_BYTES.most - PIECE_BYTES.least));
      const length = Math.min(left, wanted);
      const at = Math.floor(random() * (POOL_BYTES - length));
      yield this.#pool.subarray(at, at + length);
      left -= length;
    }
  }
}

function makeWord(random: () => number): string {
  const letters = Array.from({ length: 1 + Math.floor(random() * 10) }, () => 32 + Math.floor(random() ** 1.5 * 90));
  return `${String.fromCharCode(...letters)} `;
}
