/** Where a field's value is and how long: protobuf.dev, "Encoding", wire types. */
const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

const VARINT_MAX_BYTES = 10;
/** Field numbers have 29 bits. */
const NUMBER_MAX = 0x1fff_ffff;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads the fields of one message in their order on the wire. `damaged` makes the error for bytes that are none. */
export class WireReader {
  readonly #bytes: Uint8Array;
  readonly #damaged: (problem: string) => Error;
  #at = 0;

  constructor(bytes: Uint8Array, damaged: (problem: string) => Error) {
    this.#bytes = bytes;
    this.#damaged = damaged;
  }

  /** Number and wire type of the next field; undefined at the end. */
  next(): { readonly number: number; readonly wire: number } | undefined {
    if (this.#at === this.#bytes.length) return undefined;
    const key = this.#varint();
    const number = Number(key >> 3n);
    if (number === 0 || number > NUMBER_MAX) throw this.#damaged(`there is no field ${number}`);
    return { number, wire: Number(key & 7n) };
  }

  varint(wire: number): bigint {
    this.#expect(wire, WIRE.varint);
    return this.#varint();
  }

  double(wire: number): number {
    this.#expect(wire, WIRE.fixed64);
    const bytes = this.#take(8);
    return new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getFloat64(0, true);
  }

  bytes(wire: number): Uint8Array {
    this.#expect(wire, WIRE.bytes);
    return this.#take(Number(this.#varint()));
  }

  string(wire: number): string {
    const bytes = this.bytes(wire);
    try {
      return utf8.decode(bytes);
    } catch {
      throw this.#damaged("a string is not UTF-8");
    }
  }

  /** Numbers without keys between them. */
  packed(countMax: number): readonly bigint[] {
    const inner = new WireReader(this.bytes(WIRE.bytes), this.#damaged);
    const found: bigint[] = [];
    while (inner.#at < inner.#bytes.length) {
      if (found.length === countMax) throw this.#damaged(`a list has more than ${countMax} entries`);
      found.push(inner.#varint());
    }
    return found;
  }

  skip(wire: number): void {
    if (wire === WIRE.varint) this.#varint();
    else if (wire === WIRE.bytes) this.bytes(wire);
    else if (wire === WIRE.fixed64) this.#take(8);
    else if (wire === WIRE.fixed32) this.#take(4);
    else throw this.#damaged(`there is no wire type ${wire}`);
  }

  #expect(wire: number, wanted: number): void {
    if (wire !== wanted) throw this.#damaged(`a field has wire type ${wire} instead of ${wanted}`);
  }

  #varint(): bigint {
    let value = 0n;
    for (let index = 0; index < VARINT_MAX_BYTES; index++) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined) throw this.#damaged("it ends within a number");
      this.#at++;
      value |= BigInt(byte & 0x7f) << BigInt(7 * index);
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw this.#damaged(`a number has more than ${VARINT_MAX_BYTES} bytes`);
  }

  #take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) throw this.#damaged("it ends within a field");
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}
