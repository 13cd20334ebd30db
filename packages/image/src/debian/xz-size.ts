/** The .xz File Format, sections 2.1.1 and 2.1.2: both are as long. */
const HEADER_BYTES = 12;
const FOOTER_MAGIC = "YZ";

/**
 * How many bytes a file of xz has that are compressed, as it says itself at its end (The .xz File Format, section 4).
 * Undefined for what is not one whole stream. Only a reader who has unpacked it knows that it is true.
 */
export function xzSize(content: Buffer): number | undefined {
  const footer = content.subarray(-HEADER_BYTES);
  if (content.length < 2 * HEADER_BYTES || footer.toString("latin1", 10) !== FOOTER_MAGIC) return undefined;
  const indexEnd = content.length - HEADER_BYTES;
  const indexBegin = indexEnd - (footer.readUInt32LE(4) + 1) * 4;
  if (indexBegin < HEADER_BYTES || content[indexBegin] !== 0) return undefined;
  const numbers = readNumbers(content.subarray(indexBegin + 1, indexEnd));
  const count = numbers.next().value ?? 0;
  let packed = 0;
  let size = 0;
  for (let record = 0; record < count; record++) {
    const unpadded = numbers.next().value;
    const plain = numbers.next().value;
    if (unpadded === undefined || plain === undefined) return undefined;
    // Blocks end at multiples of four.
    packed += Math.ceil(unpadded / 4) * 4;
    size += plain;
  }
  return HEADER_BYTES + packed === indexBegin && Number.isSafeInteger(size) ? size : undefined;
}

/** Section 1.2: seven bits in a byte, the lowest first. */
function* readNumbers(bytes: Buffer): Generator<number, undefined> {
  let value = 0;
  let factor = 1;
  for (const byte of bytes) {
    value += (byte & 0x7f) * factor;
    factor *= 128;
    if (byte & 0x80) continue;
    yield value;
    value = 0;
    factor = 1;
  }
}
