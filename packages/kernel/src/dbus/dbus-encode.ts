import {
  type DBusBasicCode,
  type DBusType,
  dbusAlignment,
  parseDBusSignature,
  parseDBusType,
} from "./dbus-signature.ts";
import { DBUS_ARRAY_BYTES_MAX, type DBusValue, invalidDBusValue as invalid } from "./dbus-value.ts";

/** Marshals values after each other, little-endian, as the body of a message. Throws OrlopError("invalid") on a value of another type. */
export function encodeDBusValues(signature: string, values: readonly DBusValue[]): Uint8Array {
  const types = parseDBusSignature(signature);
  if (types.length !== values.length) {
    throw invalid(`the signature "${signature}" has ${types.length} values, not ${values.length}`);
  }
  const writer = new Writer();
  for (const [index, type] of types.entries()) writer.write(type, values[index]);
  return writer.bytes();
}

/** What fits each integer type. */
const RANGES: Partial<Record<DBusBasicCode, readonly [bigint, bigint]>> = {
  y: [0n, 0xffn],
  n: [-0x8000n, 0x7fffn],
  q: [0n, 0xffffn],
  i: [-0x8000_0000n, 0x7fff_ffffn],
  u: [0n, 0xffff_ffffn],
  h: [0n, 0xffff_ffffn],
  x: [-0x8000_0000_0000_0000n, 0x7fff_ffff_ffff_ffffn],
  t: [0n, 0xffff_ffff_ffff_ffffn],
};

class Writer {
  #buffer = Buffer.alloc(256);
  #length = 0;

  bytes(): Uint8Array {
    return new Uint8Array(this.#buffer.subarray(0, this.#length));
  }

  write(type: DBusType, value: DBusValue | undefined): void {
    if (value === undefined) throw invalid("a value is missing");
    this.#align(dbusAlignment(type));
    if (type.kind === "basic") this.#writeBasic(type.code, value);
    else if (type.kind === "variant") this.#writeVariant(value);
    else if (type.kind === "array") this.#writeArray(type.element, value);
    else this.#writeFields(type.kind === "struct" ? type.fields : [type.key, type.value], value);
  }

  #writeBasic(code: DBusBasicCode, value: DBusValue): void {
    const range = RANGES[code];
    if (range !== undefined) this.#writeInteger(code, value, range);
    else if (code === "b" && typeof value === "boolean") {
      this.#put(4, (at) => this.#buffer.writeUInt32LE(value ? 1 : 0, at));
    } else if (code === "d" && typeof value === "number") {
      this.#put(8, (at) => this.#buffer.writeDoubleLE(value, at));
    } else if (typeof value === "string" && code !== "b" && code !== "d") this.#writeText(code, value);
    else throw invalid(`${printable(value)} is not of type "${code}"`);
  }

  #writeInteger(code: DBusBasicCode, value: DBusValue, [least, most]: readonly [bigint, bigint]): void {
    const integer = typeof value === "bigint" || (typeof value === "number" && Number.isInteger(value));
    if (!integer || value < least || value > most) throw invalid(`${printable(value)} is not of type "${code}"`);
    const width = { y: 1, n: 2, q: 2, i: 4, u: 4, h: 4, x: 8, t: 8 }[code as "y"];
    this.#put(width, (at) => {
      if (width === 8) this.#buffer.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), at);
      else this.#buffer.writeUIntLE(Number(BigInt.asUintN(width * 8, BigInt(value))), at, width);
    });
  }

  #writeText(code: DBusBasicCode, value: string): void {
    if (value.includes("\0")) throw invalid(`${printable(value)} contains a null character`);
    if (code === "o" && !/^\/([A-Za-z0-9_]+(\/[A-Za-z0-9_]+)*)?$/.test(value))
      throw invalid(`"${value}" is no object path`);
    if (code === "g") parseDBusSignature(value);
    const length = Buffer.byteLength(value);
    this.#put(code === "g" ? 1 : 4, (at) => this.#buffer.writeUIntLE(length, at, code === "g" ? 1 : 4));
    this.#put(length + 1, (at) => this.#buffer.write(value, at));
  }

  #writeVariant(value: DBusValue): void {
    if (typeof value !== "object" || !("signature" in value)) throw invalid(`${printable(value)} is not a variant`);
    this.#writeText("g", value.signature);
    this.write(parseDBusType(value.signature), value.value);
  }

  #writeArray(element: DBusType, value: DBusValue): void {
    const lengthAt = this.#length;
    this.#put(4, () => {});
    this.#align(dbusAlignment(element));
    const from = this.#length;
    if (value instanceof Uint8Array) {
      if (element.kind !== "basic" || element.code !== "y") throw invalid("bytes stand for an array of another type");
      this.#put(value.length, (at) => this.#buffer.set(value, at));
    } else if (Array.isArray(value)) {
      for (const item of value as readonly DBusValue[]) this.write(element, item);
    } else throw invalid(`${printable(value)} is not an array`);
    const length = this.#length - from;
    if (length > DBUS_ARRAY_BYTES_MAX)
      throw invalid(`an array has ${length} bytes, the limit is ${DBUS_ARRAY_BYTES_MAX}`);
    this.#buffer.writeUInt32LE(length, lengthAt);
  }

  #writeFields(types: readonly DBusType[], value: DBusValue): void {
    if (!Array.isArray(value) || value.length !== types.length) {
      throw invalid(`${printable(value)} does not have the structure's ${types.length} fields`);
    }
    for (const [index, type] of types.entries()) this.write(type, (value as readonly DBusValue[])[index]);
  }

  #align(alignment: number): void {
    this.#put((alignment - (this.#length % alignment)) % alignment, () => {});
  }

  /** Room for so many bytes, zeroed, which `fill` may overwrite. */
  #put(count: number, fill: (at: number) => void): void {
    if (this.#length + count > this.#buffer.length) {
      const larger = Buffer.alloc(Math.max(this.#buffer.length * 2, this.#length + count));
      this.#buffer.copy(larger);
      this.#buffer = larger;
    }
    fill(this.#length);
    this.#length += count;
  }
}

function printable(value: DBusValue): string {
  return typeof value === "object" ? "a composite value" : JSON.stringify(String(value));
}
