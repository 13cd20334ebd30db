import { type AttributeTable, readAttributes } from "./attributes.ts";
import type { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";
import type { Codec } from "./codec.ts";
import { attributeMaxBytes } from "./limits.ts";
import { rawBytes } from "./raw-bytes.ts";
import { plainText, terminatedText } from "./text.ts";

// rtnetlink's link kinds and nftables' expressions share one shape: an attribute with a name, and beside it an
// attribute whose contents depend on that name.

/** A kind that the table of variants does not know, with its contents as bytes. */
export interface UnknownVariant {
  readonly kind: "unknown";
  readonly name: string;
  readonly data?: Uint8Array;
}

/** One of the kinds of `T` with its contents, or one that `T` does not list. */
export type Variant<T extends object> =
  | { readonly [K in keyof T & string]: { readonly kind: K; readonly data?: T[K] } }[keyof T & string]
  | UnknownVariant;

/** How the two attributes are called and written. */
interface VariantAttributes {
  readonly kind: { readonly kernel: string; readonly type: number; readonly terminated: boolean };
  readonly data: { readonly kernel: string; readonly type: number; readonly flags: number };
}

/** The longest name of a kind that we take; the kernel's own (`IFLA_INFO_KIND`, `NFTA_EXPR_NAME`) are far shorter. */
const NAME_MAX_BYTES = 64;

export class VariantTable<T extends object> implements Codec<Variant<T>> {
  readonly names: VariantAttributes;
  readonly kinds: { readonly [K in keyof T]: Codec<T[K]> | AttributeTable<T[K] & object> };
  readonly #text: Codec<string>;
  readonly #raw: Codec<Uint8Array> = rawBytes(attributeMaxBytes);

  constructor(names: VariantAttributes, kinds: { readonly [K in keyof T]: Codec<T[K]> }) {
    this.names = names;
    this.kinds = kinds;
    this.#text = names.kind.terminated ? terminatedText(NAME_MAX_BYTES) : plainText(NAME_MAX_BYTES);
  }

  write(value: Variant<T>, to: ByteWriter): void {
    const { kind, data } = this.names;
    const name = value.kind === "unknown" ? (value as UnknownVariant).name : value.kind;
    to.attribute(kind.kernel, kind.type, () => this.#text.write(name, to));
    const contents: unknown = value.data;
    if (contents === undefined) return;
    const codec = value.kind === "unknown" ? this.#raw : this.#codecOf(value.kind);
    if (codec === undefined) to.fail(`"${name}" is not one of ${Object.keys(this.kinds).join(", ")}`);
    to.attribute(data.kernel, data.type | data.flags, () => (codec as Codec<unknown>).write(contents, to));
  }

  read(from: ByteReader): Variant<T> {
    const found = this.readFrom(from);
    return found ?? from.fail(`it has no ${this.names.kind.kernel}`);
  }

  /** Like `read`, and undefined when the attribute with the name is not there. */
  readFrom(from: ByteReader): Variant<T> | undefined {
    const { kind, data } = this.names;
    const nameOf = (type: number): string =>
      type === kind.type ? kind.kernel : type === data.type ? data.kernel : `type ${type}`;
    let name: string | undefined;
    let contents: ByteReader | undefined;
    for (const [type, payload] of readAttributes(from, 0, nameOf)) {
      if (type === kind.type) name = this.#text.read(payload);
      else if (type === data.type) contents = payload;
    }
    if (name === undefined) return undefined;
    const codec = this.#codecOf(name);
    if (codec === undefined) {
      return { kind: "unknown", name, ...(contents === undefined ? {} : { data: this.#raw.read(contents) }) };
    }
    const known = { kind: name, ...(contents === undefined ? {} : { data: codec.read(contents) }) };
    return known as Variant<T>;
  }

  #codecOf(name: string): Codec<unknown> | undefined {
    return Object.hasOwn(this.kinds, name) ? (this.kinds[name as keyof T] as Codec<unknown>) : undefined;
  }
}
