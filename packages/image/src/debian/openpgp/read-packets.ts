import { OrlopError } from "@orlop/core";

/** RFC 9580, section 5: the types that are of use here. */
export const PACKET_SIGNATURE = 2;
export const PACKET_PUBLIC_KEY = 6;
export const PACKET_USER_ID = 13;
export const PACKET_PUBLIC_SUBKEY = 14;

export interface Packet {
  readonly type: number;
  readonly body: Buffer;
}

/** Debian's keyring with all of its signatures has two hundred. */
const PACKETS_MAX = 20_000;

/**
 * The packets of an OpenPGP message (RFC 9580, section 4.2). Lengths that are not known at the beginning of a packet do
 * not occur in keys and signatures, and are refused.
 *
 * @throws OrlopError `invalid`
 */
export function readPackets(bytes: Buffer): readonly Packet[] {
  const packets: Packet[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (packets.length >= PACKETS_MAX) throw malformedOpenpgp(`it has more than ${PACKETS_MAX} packets`);
    const head = bytes[at] ?? 0;
    if ((head & 0x80) === 0) throw malformedOpenpgp("it is no packet");
    const isNew = (head & 0x40) !== 0;
    const { length, begin } = isNew ? newLength(bytes, at + 1) : oldLength(bytes, at + 1, head & 3);
    const body = bytes.subarray(begin, begin + length);
    if (body.length < length) throw malformedOpenpgp("a packet is cut off");
    packets.push({ type: isNew ? head & 0x3f : (head >> 2) & 0xf, body });
    at = begin + length;
  }
  return packets;
}

interface Extent {
  readonly length: number;
  readonly begin: number;
}

function newLength(bytes: Buffer, at: number): Extent {
  const first = byteAt(bytes, at);
  if (first < 192) return { length: first, begin: at + 1 };
  if (first < 224) return { length: ((first - 192) << 8) + byteAt(bytes, at + 1) + 192, begin: at + 2 };
  if (first < 255) throw malformedOpenpgp("a packet comes in parts");
  return { length: numberAt(bytes, at + 1, 4), begin: at + 5 };
}

function oldLength(bytes: Buffer, at: number, kind: number): Extent {
  if (kind === 3) throw malformedOpenpgp("the length of a packet is missing");
  const size = 1 << kind;
  return { length: numberAt(bytes, at, size), begin: at + size };
}

/** Big-endian. */
export function numberAt(bytes: Buffer, at: number, size: number): number {
  if (at + size > bytes.length) throw malformedOpenpgp("a packet is cut off");
  return bytes.readUIntBE(at, size);
}

export function byteAt(bytes: Buffer, at: number): number {
  return numberAt(bytes, at, 1);
}

/** A number of any length (RFC 9580, section 3.2), without the zeros in front; and where it ends. */
export function mpiAt(bytes: Buffer, at: number): { readonly value: Buffer; readonly end: number } {
  const length = Math.ceil(numberAt(bytes, at, 2) / 8);
  const end = at + 2 + length;
  if (end > bytes.length) throw malformedOpenpgp("a number is cut off");
  return { value: bytes.subarray(at + 2, end), end };
}

export function malformedOpenpgp(problem: string): OrlopError {
  return new OrlopError("invalid", `Cannot read OpenPGP data: ${problem}`);
}
