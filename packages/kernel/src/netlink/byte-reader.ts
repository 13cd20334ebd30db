import { OrlopError } from "@orlop/core";
import { nestingMax } from "./limits.ts";

/** A stretch of received bytes that knows what it is called, so that a refusal can say where it is. */
export class ByteReader {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly #name: string;
  readonly #parent: ByteReader | undefined;
  readonly #depth: number;

  constructor(bytes: Uint8Array, name: string, parent?: ByteReader) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#name = name;
    this.#parent = parent;
    this.#depth = parent === undefined ? 0 : parent.#depth + 1;
    if (this.#depth > nestingMax) this.fail(`it is nested deeper than nestingMax, ${nestingMax}`);
  }

  get length(): number {
    return this.bytes.length;
  }

  /** The bytes from `start` to `end`, as the piece called `name`. Both ends were checked by the caller. */
  inner(name: string, start: number, end: number): ByteReader {
    return new ByteReader(this.bytes.subarray(start, end), name, this);
  }

  fail(reason: string): never {
    const names: string[] = [];
    for (let at: ByteReader | undefined = this; at !== undefined; at = at.#parent) names.unshift(at.#name);
    throw new OrlopError("invalid", `Cannot decode netlink field "${names.join(".")}": ${reason}`, {
      operation: "decode netlink message",
    });
  }
}
