/** Tags of ASN.1's universal types (X.680, section 8.4), and what says that an element is made of others. */
const TAGS = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  sequence: 0x30,
  set: 0x31,
  utcTime: 0x17,
  generalizedTime: 0x18,
};
const CONTEXT = 0x80;
const CONSTRUCTED = 0x20;
/** RFC 5280, section 4.1.2.5: from this year on times have four digits of it. */
const GENERALIZED_FROM_YEAR = 2050;

/** The Distinguished Encoding Rules (X.690) of what a certificate is made of. They are written here, and never read. */
export const der = {
  sequence: (...parts: readonly Uint8Array[]): Buffer => element(TAGS.sequence, ...parts),
  set: (...parts: readonly Uint8Array[]): Buffer => element(TAGS.set, ...parts),
  octetString: (bytes: Uint8Array): Buffer => element(TAGS.octetString, bytes),
  utf8String: (text: string): Buffer => element(TAGS.utf8String, Buffer.from(text)),
  boolean: (value: boolean): Buffer => element(TAGS.boolean, Uint8Array.of(value ? 0xff : 0)),

  /** Not negative, and given with its highest byte first. */
  integer(bytes: Uint8Array): Buffer {
    const isNegative = ((bytes[0] ?? 0) & 0x80) !== 0;
    return element(TAGS.integer, ...(isNegative ? [Uint8Array.of(0)] : []), bytes);
  },

  /** @param unusedBits of its last byte */
  bitString: (bytes: Uint8Array, unusedBits = 0): Buffer => element(TAGS.bitString, Uint8Array.of(unusedBits), bytes),

  /** As it is written: `2.5.29.17`. */
  objectIdentifier(text: string): Buffer {
    const [first = 0, second = 0, ...arcs] = text.split(".").map(Number);
    return element(TAGS.objectIdentifier, ...[first * 40 + second, ...arcs].map(base128));
  },

  time(date: Date): Buffer {
    const digits = date.toISOString().replace(/[-:T]|\..*$/g, "");
    return date.getUTCFullYear() < GENERALIZED_FROM_YEAR
      ? element(TAGS.utcTime, Buffer.from(`${digits.slice(2)}Z`))
      : element(TAGS.generalizedTime, Buffer.from(`${digits}Z`));
  },

  /** An element whose tag is a number of its surroundings: bytes, or other elements. */
  tagged: (number: number, bytes: Uint8Array): Buffer => element(CONTEXT | number, bytes),
  taggedParts: (number: number, ...parts: readonly Uint8Array[]): Buffer =>
    element(CONTEXT | CONSTRUCTED | number, ...parts),
};

function element(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Uint8Array.of(tag), lengthOf(content), content]);
}

function lengthOf({ length }: Uint8Array): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length);
  const bytes = Buffer.from(length.toString(16).padStart(8, "0"), "hex");
  const significant = bytes.subarray(bytes.findIndex((byte) => byte !== 0));
  return Uint8Array.of(0x80 | significant.length, ...significant);
}

/** Seven bits a byte, with the eighth one set in all but the last. */
function base128(value: number): Uint8Array {
  const groups = [value & 0x7f];
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) groups.unshift(0x80 | (rest & 0x7f));
  return Uint8Array.from(groups);
}
