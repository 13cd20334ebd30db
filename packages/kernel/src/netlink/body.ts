import assert from "node:assert/strict";
import type { AttributeTable } from "./attributes.ts";
import type { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";
import type { Layout } from "./layout.ts";
import { alignmentBytes } from "./limits.ts";

/**
 * A family's fixed header followed by attributes, shown as one object: `{ index, flags, name, mtu }`. Header fields
 * left out when writing are zero; reading gives all header fields and the attributes that were there.
 */
export class Body<H extends object, A extends object> {
  readonly header: Layout<H>;
  readonly attributes: AttributeTable<A>;

  constructor(header: Layout<H>, attributes: AttributeTable<A>) {
    this.header = header;
    this.attributes = attributes;
    assert.equal(header.size % alignmentBytes, 0, `struct ${header.description.struct} is not aligned`);
    for (const key of header.keys) assert.ok(!(key in attributes.rows), `"${key}" is a header field and an attribute`);
  }

  write(value: Partial<H> & A, to: ByteWriter): void {
    const attributes: Partial<A> = { ...value };
    for (const key of this.header.keys) delete (attributes as Record<string, unknown>)[key];
    this.header.write(value, to);
    this.attributes.write(attributes as A, to);
  }

  read(from: ByteReader): H & A {
    const header = this.header.read(from);
    return { ...header, ...this.attributes.readAfter(from, this.header.size) };
  }
}
