import { OrlopError } from "@orlop/core";
import { alignmentBytes, attributeMaxBytes, messageMaxBytes } from "./limits.ts";

/**
 * Where one named piece of an encoded body stands: a header field or an attribute. It is the source map of a
 * request: answers give offsets, and programs patch descriptors, indexes and pids into bytes encoded earlier.
 */
export interface Mark {
  /** Kernel names from the outside in, joined by dots: `IFLA_LINKINFO.IFLA_INFO_KIND`. */
  readonly path: string;
  /** Of the attribute's header, or of the header field, in bytes from the start of the body. */
  readonly offset: number;
  /** Of the payload. Equal to `offset` for a header field. */
  readonly valueOffset: number;
  /** Bytes of the payload, without padding. */
  readonly valueBytes: number;
}

/** Grows one message body, little-endian unless a codec says otherwise, and marks what it wrote. */
export class ByteWriter {
  readonly marks: Mark[] = [];
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;
  readonly #path: string[] = [];

  /** `root` names the message in refusals: `RTM_NEWLINK`. */
  constructor(root: string) {
    this.#path.push(root);
  }

  get length(): number {
    return this.#length;
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  append(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length);
    this.#bytes.set(bytes, at);
  }

  zeros(count: number): void {
    this.#reserve(count);
  }

  align(): void {
    this.zeros((alignmentBytes - (this.#length % alignmentBytes)) % alignmentBytes);
  }

  /** `size` zero bytes at the end; `fill` sets them through a view and the offset at which they stand. */
  fixed(size: number, fill: (view: DataView, offset: number) => void): void {
    const at = this.#reserve(size);
    fill(this.#view, at);
  }

  /** A header field: written in place, and marked. */
  field(name: string, write: () => void): void {
    const offset = this.#length;
    this.#path.push(name);
    write();
    this.#mark(offset, offset);
    this.#path.pop();
  }

  /** An attribute: header, payload, padding. `type` holds the flag bits too (`NLA_F_NESTED`). */
  attribute(name: string, type: number, write: () => void): void {
    this.align();
    const offset = this.#reserve(4);
    this.#path.push(name);
    write();
    const length = this.#length - offset;
    if (length > attributeMaxBytes)
      this.fail(`it takes ${length} bytes, and attributeMaxBytes is ${attributeMaxBytes}`);
    this.#view.setUint16(offset, length, true);
    this.#view.setUint16(offset + 2, type, true);
    this.#mark(offset, offset + 4);
    this.#path.pop();
    this.align();
  }

  /** Overwrites two bytes that were reserved before their value was known. */
  patchU16(offset: number, value: number): void {
    this.#view.setUint16(offset, value, true);
  }

  fail(reason: string): never {
    const path = this.#path.join(".");
    throw new OrlopError("invalid", `Cannot encode netlink field "${path}": ${reason}`, {
      operation: "encode netlink message",
    });
  }

  #mark(offset: number, valueOffset: number): void {
    const path = this.#path.slice(1).join(".");
    this.marks.push({ path, offset, valueOffset, valueBytes: this.#length - valueOffset });
  }

  #reserve(count: number): number {
    const at = this.#length;
    const needed = at + count;
    if (needed > messageMaxBytes) this.fail(`the message exceeds messageMaxBytes, ${messageMaxBytes}`);
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, at));
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.#length = needed;
    return at;
  }
}
