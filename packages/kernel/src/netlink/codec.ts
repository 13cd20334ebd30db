import type { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";

/**
 * Both directions of one kind of payload. `write` refuses a value that has no bytes and `read` refuses bytes that
 * have no value, both with an OrlopError("invalid") that names the place; neither throws anything else.
 */
export interface Codec<T> {
  // Properties, not methods: a struct writes from some of its fields and reads all of them, and only properties let
  // the compiler tell the two types apart.
  readonly write: (value: T, to: ByteWriter) => void;
  /** Reads the whole of `from`. */
  readonly read: (from: ByteReader) => T;
}

/** A codec whose payload always has the same number of bytes, so that it can be a field of a struct. */
export interface FixedCodec<T> extends Codec<T> {
  readonly size: number;
}
