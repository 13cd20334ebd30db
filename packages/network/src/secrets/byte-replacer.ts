import { Transform, type TransformCallback } from "node:stream";

/** What is looked for, and what takes its place. */
export interface Replacement {
  readonly from: Buffer;
  readonly to: Buffer;
}

export function replacement(from: string, to: string): Replacement {
  return { from: Buffer.from(from), to: Buffer.from(to) };
}

/**
 * Replaces bytes in a stream, wherever it is cut. What cannot be a beginning of what is looked for goes on at once: who waits for
 * one event after the other does not wait longer.
 */
export class ByteReplacer extends Transform {
  readonly #replacements: readonly Replacement[];
  #held: Buffer = Buffer.alloc(0);

  constructor(replacements: readonly Replacement[]) {
    super();
    // Of two that begin at the same place the longer one is meant.
    this.#replacements = replacements
      .filter(({ from }) => from.length > 0)
      .toSorted((a, b) => b.from.length - a.from.length);
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: TransformCallback): void {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    this.#held = this.#replace(bytes, this.#beginning(bytes));
    done();
  }

  override _flush(done: TransformCallback): void {
    this.push(this.#replace(this.#held, this.#held.length));
    done();
  }

  /** Replaces what begins before `end`, and passes on what stands before it. @returns the rest */
  #replace(bytes: Buffer, end: number): Buffer {
    let at = 0;
    for (let found = this.#next(bytes, at); found !== undefined && found.at < end; found = this.#next(bytes, at)) {
      this.push(bytes.subarray(at, found.at));
      this.push(found.to);
      at = found.at + found.from.length;
    }
    const rest = Math.max(at, end);
    this.push(bytes.subarray(at, rest));
    return bytes.subarray(rest);
  }

  #next(bytes: Buffer, from: number): (Replacement & { readonly at: number }) | undefined {
    let next: (Replacement & { readonly at: number }) | undefined;
    for (const each of this.#replacements) {
      const at = bytes.indexOf(each.from, from);
      if (at >= 0 && (next === undefined || at < next.at)) next = { ...each, at };
    }
    return next;
  }

  /** Where the longest end of these bytes begins that something looked for may begin with. */
  #beginning(bytes: Buffer): number {
    const begins = this.#replacements.map(({ from }) => {
      const first = from.subarray(0, 1);
      let at = bytes.indexOf(first, Math.max(0, bytes.length - from.length + 1));
      while (at >= 0 && !from.subarray(0, bytes.length - at).equals(bytes.subarray(at)))
        at = bytes.indexOf(first, at + 1);
      return at < 0 ? bytes.length : at;
    });
    return Math.min(bytes.length, ...begins);
  }
}
