import { OrlopError } from "@orlop/core";

/** RFC 9580, section 5: the types that are of use here. */
export const PACKET_SIGNATURE = 2;
export const PACKET_ONE_PASS_SIGNATURE = 4;
export const PACKET_PUBLIC_KEY = 6;
export const PACKET_COMPRESSED = 8;
export const PACKET_LITERAL = 11;
export const PACKET_USER_ID = 13;
export const PACKET_PUBLIC_SUBKEY = 14;

export interface Packet {
  readonly type: number;
  readonly body: Buffer;
}

/** Debian's keyring with all of its signatures has two hundred. */
const PACKETS_MAX = 20_000;

/** Those that may come in parts, or without an end (RFC 9580, sections 4.2.1.4 and 4.2.2). */
const STREAMED: ReadonlySet<number> = new Set([PACKET_COMPRESSED, PACKET_LITERAL]);

/**
 * The packets of an OpenPGP message (RFC 9580, section 4.2). Lengths that are not known at the beginning of a packet do
 * not occur in keys and signatures, and are refused there.
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
    const type = isNew ? head & 0x3f : (head >> 2) & 0xf;
    const { body, end } = isNew ? newBody(bytes, at + 1, type) : oldBody(bytes, at + 1, head & 3, type);
    packets.push({ type, body });
    at = end;
  }
  return packets;
}

interface Body {
  readonly body: Buffer;
  readonly end: number;
}

function newBody(bytes: Buffer, begin: number, type: number): Body {
  const parts: Buffer[] = [];
  for (let at = begin; ; ) {
    const first = byteAt(bytes, at);
    const isPart = first >= 224 && first < 255;
    if (isPart && !STREAMED.has(type)) throw malformedOpenpgp("a packet comes in parts");
    const extent = isPart ? { length: 1 << (first & 0x1f), begin: at + 1 } : newLength(bytes, at);
    const { body, end } = bodyAt(bytes, extent);
    if (!isPart && parts.length === 0) return { body, end };
    parts.push(body);
    if (!isPart) return { body: Buffer.concat(parts), end };
    at = end;
  }
}

function oldBody(bytes: Buffer, at: number, kind: number, type: number): Body {
  if (kind < 3) return bodyAt(bytes, { length: numberAt(bytes, at, 1 << kind), begin: at + (1 << kind) });
  if (!STREAMED.has(type)) throw malformedOpenpgp("the length of a packet is missing");
  return { body: bytes.subarray(at), end: bytes.length };
}

interface Extent {
  readonly length: number;
  readonly begin: number;
}

function newLength(bytes: Buffer, at: number): Extent {
  const first = byteAt(bytes, at);
  if (first < 192) return { length: first, begin: at + 1 };
  if (first < 255) return { length: ((first - 192) << 8) + byteAt(bytes, at + 1) + 192, begin: at + 2 };
  return { length: numberAt(bytes, at + 1, 4), begin: at + 5 };
}

function bodyAt(bytes: Buffer, { length, begin }: Extent): Body {
  const end = begin + length;
  if (end > bytes.length) throw malformedOpenpgp("a packet is cut off");
  return { body: bytes.subarray(begin, end), end };
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
