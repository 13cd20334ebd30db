import assert from "node:assert/strict";

/** A little-endian structure on disk. */
export interface DiskLayout<Name extends string> {
  readonly sizeBytes: number;
  /** Throws RangeError beyond the end of `bytes`, and for a number that JavaScript cannot have. */
  get(bytes: Buffer, at: number, field: Name): number;
  /** Writes fields at `at`; those that are not given are left. */
  put(bytes: Buffer, at: number, values: Readonly<Partial<Record<Name, number | bigint>>>): void;
}

/** Fields in their order, each with its size in bytes; `_` is what is reserved. Together they have to make the whole. */
export function diskLayout<Name extends string>(
  name: string,
  sizeBytes: number,
  fields: readonly (readonly [name: Name | "_", sizeBytes: number])[],
): DiskLayout<Name> {
  const offsets = new Map<string, readonly [offset: number, size: number]>();
  let end = 0;
  for (const [field, size] of fields) {
    offsets.set(field, [end, size]);
    end += size;
  }
  assert.equal(end, sizeBytes, `fields of ${name}`);
  return {
    sizeBytes,
    get(bytes, at, field) {
      const [offset, size] = offsets.get(field) ?? assert.fail(`${name}.${field}`);
      if (size !== 8) return bytes.readUIntLE(at + offset, size);
      const value = Number(bytes.readBigUInt64LE(at + offset));
      if (!Number.isSafeInteger(value)) throw new RangeError(`${name}.${field} is out of range`);
      return value;
    },
    put(bytes, at, values) {
      // An image has some hundred thousand fields: nothing is made for each.
      for (const field in values) {
        const value = values[field] as number | bigint;
        const place = offsets.get(field) ?? assert.fail(`${name}.${field}`);
        const start = at + place[0];
        if (place[1] !== 8) bytes.writeUIntLE(Number(value), start, place[1]);
        else if (typeof value === "bigint") bytes.writeBigUInt64LE(value, start);
        else putLong(bytes, start, value);
      }
    },
  };
}

function putLong(bytes: Buffer, at: number, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is no number of 64 bits`);
  bytes.writeUInt32LE(value % 2 ** 32, at);
  bytes.writeUInt32LE(Math.floor(value / 2 ** 32), at + 4);
}
