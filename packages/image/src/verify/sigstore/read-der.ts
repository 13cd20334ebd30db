/** One value of DER (ITU-T X.690). */
export interface DerValue {
  /** The identifier octet: class, form and number. */
  readonly tag: number;
  readonly content: Buffer;
}

export const DER_BOOLEAN = 0x01;
export const DER_INTEGER = 0x02;
export const DER_BIT_STRING = 0x03;
export const DER_OCTET_STRING = 0x04;
export const DER_OBJECT_IDENTIFIER = 0x06;
export const DER_UTF8_STRING = 0x0c;
export const DER_SEQUENCE = 0x30;

const LONG_TAG = 0x1f;
const LONG_LENGTH = 0x80;
/** Longer ones do not come with any image. */
const LENGTH_BYTES_MAX = 3;

/** The values that follow each other in `bytes`. Throws RangeError where that is not DER. */
export function readDer(bytes: Buffer): readonly DerValue[] {
  const values: DerValue[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes.readUInt8(at);
    if ((tag & LONG_TAG) === LONG_TAG) throw new RangeError("a tag of more than one byte");
    const [length, start] = readLength(bytes, at + 1);
    if (start + length > bytes.length) throw new RangeError("a value that ends early");
    values.push({ tag, content: bytes.subarray(start, start + length) });
    at = start + length;
  }
  return values;
}

/** The one value of that tag that `bytes` are. */
export function readOneDer(bytes: Buffer, tag: number): Buffer {
  const [value, further] = readDer(bytes);
  if (value?.tag !== tag || further !== undefined) throw new RangeError(`no value of tag ${tag} alone`);
  return value.content;
}

/** As it is written with dots. */
export function readObjectIdentifier(content: Buffer): string {
  const numbers: number[] = [];
  let number = 0;
  for (const byte of content) {
    number = number * 128 + (byte & 0x7f);
    if (!Number.isSafeInteger(number)) throw new RangeError("an object identifier with a large number");
    if (byte < LONG_LENGTH) {
      numbers.push(number);
      number = 0;
    }
  }
  const [first = 0, ...rest] = numbers;
  const root = Math.min(Math.floor(first / 40), 2);
  return [root, first - root * 40, ...rest].join(".");
}

function readLength(bytes: Buffer, at: number): readonly [length: number, start: number] {
  const first = bytes.readUInt8(at);
  if (first < LONG_LENGTH) return [first, at + 1];
  const count = first - LONG_LENGTH;
  if (count === 0 || count > LENGTH_BYTES_MAX) throw new RangeError("a length that is not that of DER");
  return [bytes.readUIntBE(at + 1, count), at + 1 + count];
}
