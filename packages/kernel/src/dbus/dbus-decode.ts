import {
  type DBusBasicCode,
  type DBusType,
  dbusAlignment,
  parseDBusSignature,
  parseDBusType,
} from "./dbus-signature.ts";
import {
  DBUS_ARRAY_BYTES_MAX,
  DBUS_VARIANT_DEPTH_MAX,
  type DBusValue,
  invalidDBusValue as invalid,
} from "./dbus-value.ts";

/** Unmarshals a body. Throws OrlopError("invalid") on bytes that the specification does not allow. */
export function decodeDBusValues(signature: string, bytes: Uint8Array, littleEndian: boolean): DBusValue[] {
  const reader = new Reader(bytes, littleEndian);
  const values = parseDBusSignature(signature).map((type) => reader.read(type, 0));
  if (reader.offset !== bytes.length) throw invalid(`${bytes.length - reader.offset} bytes follow its last value`);
  return values;
}

class Reader {
  offset = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #little: boolean;

  constructor(bytes: Uint8Array, littleEndian: boolean) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#little = littleEndian;
  }

  read(type: DBusType, depth: number): DBusValue {
    if (depth > DBUS_VARIANT_DEPTH_MAX) throw invalid(`its variants are nested deeper than ${DBUS_VARIANT_DEPTH_MAX}`);
    this.#align(dbusAlignment(type));
    switch (type.kind) {
      case "basic":
        return this.#readBasic(type.code);
      case "variant": {
        const signature = this.#readText("g");
        return { signature, value: this.read(parseDBusType(signature), depth + 1) };
      }
      case "array":
        return this.#readArray(type.element, depth);
      case "struct":
        return type.fields.map((field) => this.read(field, depth));
      case "entry":
        return [this.read(type.key, depth), this.read(type.value, depth)];
    }
  }

  #readBasic(code: DBusBasicCode): DBusValue {
    const view = this.#view;
    const little = this.#little;
    switch (code) {
      case "y":
        return view.getUint8(this.#take(1));
      case "n":
        return view.getInt16(this.#take(2), little);
      case "q":
        return view.getUint16(this.#take(2), little);
      case "i":
        return view.getInt32(this.#take(4), little);
      case "u":
      case "h":
        return view.getUint32(this.#take(4), little);
      case "x":
        return view.getBigInt64(this.#take(8), little);
      case "t":
        return view.getBigUint64(this.#take(8), little);
      case "d":
        return view.getFloat64(this.#take(8), little);
      case "b":
        return this.#readBoolean();
      default:
        return this.#readText(code);
    }
  }

  #readBoolean(): boolean {
    const value = this.#view.getUint32(this.#take(4), this.#little);
    if (value > 1) throw invalid(`a boolean is ${value}`);
    return value === 1;
  }

  #readText(code: DBusBasicCode): string {
    const length =
      code === "g" ? this.#view.getUint8(this.#take(1)) : this.#view.getUint32(this.#take(4), this.#little);
    const from = this.#take(length + 1);
    const bytes = this.#bytes.subarray(from, from + length);
    if (this.#bytes[from + length] !== 0 || bytes.includes(0))
      throw invalid("a string does not end with its only null byte");
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      throw invalid("a string is not UTF-8");
    }
  }

  #readArray(element: DBusType, depth: number): DBusValue {
    const length = this.#view.getUint32(this.#take(4), this.#little);
    if (length > DBUS_ARRAY_BYTES_MAX)
      throw invalid(`an array has ${length} bytes, the limit is ${DBUS_ARRAY_BYTES_MAX}`);
    this.#align(dbusAlignment(element));
    const end = this.offset + length;
    if (end > this.#bytes.length) throw invalid("an array is longer than the message");
    if (element.kind === "basic" && element.code === "y") {
      // A copy: the bytes may be a view of the connection's buffer.
      return new Uint8Array(this.#bytes.subarray(this.#take(length), end));
    }
    const items: DBusValue[] = [];
    while (this.offset < end) items.push(this.read(element, depth));
    if (this.offset !== end) throw invalid("an array's last element does not end where the array does");
    return items;
  }

  #align(alignment: number): void {
    const padding = (alignment - (this.offset % alignment)) % alignment;
    const from = this.#take(padding);
    for (let at = from; at < from + padding; at++) if (this.#bytes[at] !== 0) throw invalid("its padding is not zero");
  }

  #take(count: number): number {
    const at = this.offset;
    if (at + count > this.#bytes.length) throw invalid("it ends in the middle of a value");
    this.offset += count;
    return at;
  }
}
