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
      for (const [field, value] of Object.entries(values) as [Name, number | bigint][]) {
        const [offset, size] = offsets.get(field) ?? assert.fail(`${name}.${field}`);
        if (size === 8) bytes.writeBigUInt64LE(BigInt(value), at + offset);
        else bytes.writeUIntLE(Number(value), at + offset, size);
      }
    },
  };
}
