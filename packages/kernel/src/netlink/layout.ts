import assert from "node:assert/strict";
import type { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";
import type { FixedCodec } from "./codec.ts";

/** One field of a kernel struct. */
export interface LayoutField<T> {
  /** The field's name in the header: `ifi_index`. */
  readonly kernel: string;
  readonly codec: FixedCodec<T>;
  /** Bytes from the start of the struct. */
  readonly offset: number;
  readonly size: number;
}

/** The fields of a struct, keyed by our names for them. */
type LayoutFields<T extends object> = { readonly [K in keyof T]: LayoutField<T[K]> };

interface LayoutDescription<T extends object> {
  /** The struct's tag in the header, without `struct`. */
  readonly struct: string;
  /** The header below /usr/include. */
  readonly header: string;
  /** `sizeof`. */
  readonly size: number;
  readonly fields: LayoutFields<T>;
  /** Bytes that belong to no field: `[offset, size]`. Written as zero, ignored when read. */
  readonly padding?: readonly (readonly [number, number])[];
}

export function field<T>(kernel: string, codec: FixedCodec<T>, offset: number, size: number): LayoutField<T> {
  return { kernel, codec, offset, size };
}

/**
 * A kernel struct as a table. Making one asserts that fields and padding tile `size` exactly. Fields left out when
 * writing are zero; reading gives all of them.
 */
export class Layout<T extends object> {
  readonly description: LayoutDescription<T>;
  readonly size: number;
  readonly keys: readonly (keyof T & string)[];

  constructor(description: LayoutDescription<T>) {
    this.description = description;
    this.size = description.size;
    const { fields } = description;
    this.keys = (Object.keys(fields) as (keyof T & string)[]).sort((a, b) => fields[a].offset - fields[b].offset);
    this.#assertTiled();
  }

  write(value: Partial<T>, to: ByteWriter): void {
    const start = to.length;
    for (const key of this.keys) {
      const entry = this.description.fields[key];
      to.zeros(start + entry.offset - to.length);
      to.field(entry.kernel, () => {
        const given = value[key];
        if (given === undefined) to.zeros(entry.size);
        else entry.codec.write(given as T[typeof key], to);
      });
    }
    to.zeros(start + this.size - to.length);
  }

  /** Reads the first `size` bytes: structs grow at their end from one kernel to the next. */
  read(from: ByteReader): T {
    if (from.length < this.size) {
      from.fail(`it has ${from.length} bytes, and struct ${this.description.struct} has ${this.size}`);
    }
    const result: Partial<T> = {};
    for (const key of this.keys) {
      const { kernel, codec, offset, size } = this.description.fields[key];
      result[key] = codec.read(from.inner(kernel, offset, offset + size));
    }
    return result as T;
  }

  #assertTiled(): void {
    const { struct, fields, padding = [], size } = this.description;
    const pieces = [...padding, ...this.keys.map((key) => [fields[key].offset, fields[key].size] as const)];
    pieces.sort((a, b) => a[0] - b[0]);
    let end = 0;
    for (const [offset, bytes] of pieces) {
      assert.equal(offset, end, `struct ${struct} has a hole or an overlap at ${end}`);
      end += bytes;
    }
    assert.equal(end, size, `struct ${struct} has ${size} bytes`);
    for (const key of this.keys) {
      assert.equal(fields[key].codec.size, fields[key].size, `struct ${struct}: ${fields[key].kernel}`);
    }
  }
}
