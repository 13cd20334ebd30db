const WIRE_VARINT = 0;
const WIRE_FIXED64 = 1;
const WIRE_BYTES = 2;

/** Writes the fields of one message (protobuf.dev, "Encoding"). */
export class WireWriter {
  readonly #parts: Uint8Array[] = [];

  /** A negative number takes ten bytes, as protobuf has it. */
  varintField(number: number, value: bigint): void {
    this.#key(number, WIRE_VARINT);
    this.#varint(BigInt.asUintN(64, value));
  }

  doubleField(number: number, value: number): void {
    this.#key(number, WIRE_FIXED64);
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(value);
    this.#parts.push(bytes);
  }

  bytesField(number: number, bytes: Uint8Array): void {
    this.#key(number, WIRE_BYTES);
    this.#varint(BigInt(bytes.length));
    this.#parts.push(bytes);
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }

  #key(number: number, wire: number): void {
    this.#varint((BigInt(number) << 3n) | BigInt(wire));
  }

  #varint(value: bigint): void {
    const bytes: number[] = [];
    let rest = value;
    for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
    bytes.push(Number(rest));
    this.#parts.push(Uint8Array.from(bytes));
  }
}
