import { OrlopError } from "@orlop/core";

/** A name as its labels, each character one byte; the root has none. RFC 1035, section 3.1. */
export type DnsName = readonly string[];

const LABEL_MAX_BYTES = 63;
/** With the lengths of its labels and the end. */
const NAME_MAX_BYTES = 255;

/** A label begins with two bits of zero, a pointer with two of one. RFC 1035, section 4.1.4. */
const POINTER = 0xc0;

export function encodeName(name: DnsName): Buffer {
  const parts = name.map((label) => {
    const bytes = Buffer.from(label, "latin1");
    if (bytes.length === 0 || bytes.length > LABEL_MAX_BYTES) throw malformed("a label is empty or too long");
    return Buffer.concat([Buffer.of(bytes.length), bytes]);
  });
  const encoded = Buffer.concat([...parts, Buffer.of(0)]);
  if (encoded.length > NAME_MAX_BYTES) throw malformed("a name is too long");
  return encoded;
}

/**
 * Reads a name, and where it ends. Pointers lead backwards only, so that reading comes to an end.
 *
 * @throws OrlopError `invalid`
 */
export function decodeName(message: Buffer, offset: number): { readonly name: DnsName; readonly end: number } {
  const name: string[] = [];
  let end: number | undefined;
  let at = offset;
  let start = offset;
  for (let size = 1; ; ) {
    const length = message[at];
    if (length === undefined) throw malformed("a name is cut off");
    if ((length & POINTER) === POINTER) {
      if (at + 2 > message.length) throw malformed("a pointer is cut off");
      const target = message.readUInt16BE(at) & 0x3fff;
      if (target >= start) throw malformed("a pointer leads nowhere");
      end ??= at + 2;
      [at, start] = [target, target];
      continue;
    }
    if (length > LABEL_MAX_BYTES) throw malformed("a label is of no known kind");
    if (length === 0) return { name, end: end ?? at + 1 };
    size += length + 1;
    if (size > NAME_MAX_BYTES) throw malformed("a name is too long");
    if (at + 1 + length > message.length) throw malformed("a label is cut off");
    name.push(message.toString("latin1", at + 1, at + 1 + length));
    at += length + 1;
  }
}

/**
 * As people write it, in small letters, without a dot at the end; undefined for one that could not be told from others so:
 * with labels of other characters than names of hosts have.
 */
export function nameText(name: DnsName): string | undefined {
  return name.every((label) => /^[\w-]+$/.test(label)) ? name.join(".").toLowerCase() : undefined;
}

export function malformed(what: string): OrlopError {
  return new OrlopError("invalid", `Cannot read DNS message: ${what}`);
}
