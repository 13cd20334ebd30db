import type { Program } from "./program.ts";

/** Bytes of a program's image, from `start` up to `end`. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** Eight bytes of the image: a number, or the address of `to` in the image. */
export type Word = { readonly value: bigint } | { readonly to: number };

/** A program's image as it will be in memory, with the addresses told from the numbers. */
export class ImageView {
  readonly #image: Buffer;
  readonly #relocations: ReadonlyMap<number, number>;

  constructor({ image, relocations }: Program) {
    this.#image = Buffer.from(image.buffer, image.byteOffset, image.length);
    this.#relocations = new Map(relocations.map(({ at, to }) => [at, to]));
  }

  get length(): number {
    return this.#image.length;
  }

  /** The word at `at`; undefined outside the image and across the edge of an address. */
  word(at: number): Word | undefined {
    if (at < 0 || at + 8 > this.#image.length) return undefined;
    const to = this.#relocations.get(at);
    for (let near = at - 7; near < at + 8; near++) {
      if (near !== at && this.#relocations.has(near)) return undefined;
    }
    return to === undefined ? { value: this.#image.readBigUInt64LE(at) } : { to };
  }

  /** Whether a NUL stands in the range. */
  hasTerminator({ start, end }: Range): boolean {
    const at = this.#image.indexOf(0, start);
    return at >= 0 && at < end;
  }

  /** Whether a null pointer stands in the range, at a multiple of 8 from its start. */
  hasNullPointer({ start, end }: Range): boolean {
    for (let at = start; at + 8 <= end; at += 8) {
      const word = this.word(at);
      if (word !== undefined && "value" in word && word.value === 0n) return true;
    }
    return false;
  }
}
