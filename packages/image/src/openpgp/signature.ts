import { createHash, verify } from "node:crypto";
import { ED25519, EDDSA_LEGACY, type PublicKey, RSA } from "./public-key.ts";
import { byteAt, malformedOpenpgp, mpiAt, numberAt } from "./read-packets.ts";

/** RFC 9580, section 5.2.1. */
export const SIGNATURE_BINARY = 0x00;
export const SIGNATURE_TEXT = 0x01;
export const SIGNATURE_CERTIFICATIONS: ReadonlySet<number> = new Set([0x10, 0x11, 0x12, 0x13]);
export const SIGNATURE_SUBKEY_BINDING = 0x18;
export const SIGNATURE_PRIMARY_BINDING = 0x19;
export const SIGNATURE_DIRECT_KEY = 0x1f;
export const SIGNATURE_KEY_REVOCATION = 0x20;
export const SIGNATURE_SUBKEY_REVOCATION = 0x28;

/** RFC 9580, section 9.5; which of them count is for whoever asks. */
const HASHES: Readonly<Record<number, string>> = { 2: "sha1", 8: "sha256", 9: "sha384", 10: "sha512" };

/** RFC 9580, section 5.2.3.7. */
const SUBPACKET = {
  created: 2,
  expiresAfter: 3,
  keyExpiresAfter: 9,
  issuer: 16,
  notation: 20,
  keyFlags: 27,
  embedded: 32,
  issuerFingerprint: 33,
} as const;
/** Those whose meaning is known here, or is none for the question whether a signature counts. */
const KNOWN_CRITICAL: ReadonlySet<number> = new Set([2, 3, 4, 7, 9, 11, 16, 21, 22, 23, 25, 27, 28, 30, 32, 33, 34]);

/** A signature of version 4 (RFC 9580, section 5.2.3); times in seconds. */
export interface Signature {
  readonly type: number;
  readonly algorithm: number;
  readonly hash: string | undefined;
  readonly created: number;
  readonly expiresAfter: number;
  readonly keyExpiresAfter: number;
  /** The last 16 hex digits of the fingerprint of the key that made it, in capitals. */
  readonly issuer: string | undefined;
  readonly keyFlags: number | undefined;
  /** A signature within: of a subkey for its primary key. */
  readonly embedded: Buffer | undefined;
  /** It asks for something that is not known here. */
  readonly isCritical: boolean;
  /** What is hashed behind what is signed. */
  readonly trailer: Buffer;
  readonly value: Buffer;
}

/** Undefined for signatures of other versions. @throws OrlopError `invalid` */
export function readSignature(body: Buffer): Signature | undefined {
  if (byteAt(body, 0) !== 4) return undefined;
  const hashedEnd = 6 + numberAt(body, 4, 2);
  const unhashedEnd = hashedEnd + 2 + numberAt(body, hashedEnd, 2);
  if (unhashedEnd > body.length) throw malformedOpenpgp("a signature is cut off");
  const hashed = readSubpackets(body.subarray(6, hashedEnd));
  const unhashed = readSubpackets(body.subarray(hashedEnd + 2, unhashedEnd));
  const number = (type: number): number =>
    hashed.get(type)?.length === 4 ? (hashed.get(type)?.readUInt32BE() ?? 0) : 0;
  // Only a hint that tells which key to try, so that it may stand where it is not signed.
  const fingerprint = hashed.get(SUBPACKET.issuerFingerprint) ?? unhashed.get(SUBPACKET.issuerFingerprint);
  const issuer = fingerprint?.subarray(-8) ?? hashed.get(SUBPACKET.issuer) ?? unhashed.get(SUBPACKET.issuer);
  return {
    type: byteAt(body, 1),
    algorithm: byteAt(body, 2) === 3 ? RSA : byteAt(body, 2),
    hash: HASHES[byteAt(body, 3)],
    created: number(SUBPACKET.created),
    expiresAfter: number(SUBPACKET.expiresAfter),
    keyExpiresAfter: number(SUBPACKET.keyExpiresAfter),
    issuer: issuer?.toString("hex").toUpperCase(),
    keyFlags: hashed.get(SUBPACKET.keyFlags)?.[0],
    // It proves itself.
    embedded: hashed.get(SUBPACKET.embedded) ?? unhashed.get(SUBPACKET.embedded),
    isCritical: hashed.has(CRITICAL),
    trailer: trailerOf(body.subarray(0, hashedEnd)),
    value: body.subarray(unhashedEnd + 2),
  };
}

const CRITICAL = -1;

function readSubpackets(bytes: Buffer): ReadonlyMap<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = 0; at < bytes.length; ) {
    const first = byteAt(bytes, at);
    const [length, begin] =
      first < 192
        ? [first, at + 1]
        : first < 255
          ? [((first - 192) << 8) + byteAt(bytes, at + 1) + 192, at + 2]
          : [numberAt(bytes, at + 1, 4), at + 5];
    if (length === 0 || begin + length > bytes.length) throw malformedOpenpgp("a part of a signature is cut off");
    const type = byteAt(bytes, begin);
    if (type >= 0x80 && !KNOWN_CRITICAL.has(type & 0x7f)) found.set(CRITICAL, Buffer.alloc(0));
    // The last one counts, as with gpgv.
    found.set(type & 0x7f, bytes.subarray(begin + 1, begin + length));
    at = begin + length;
  }
  return found;
}

/** RFC 9580, section 5.2.4. */
function trailerOf(hashed: Buffer): Buffer {
  const end = Buffer.from([4, 0xff, 0, 0, 0, 0]);
  end.writeUInt32BE(hashed.length, 2);
  return Buffer.concat([hashed, end]);
}

/** Whether a key made this signature of these bytes. */
export function isSignatureOf(signature: Signature, signed: Buffer, { key, algorithm }: PublicKey): boolean {
  const { hash, trailer, value } = signature;
  if (key === undefined || hash === undefined || signature.algorithm !== algorithm) return false;
  const hashed = Buffer.concat([signed, trailer]);
  switch (algorithm) {
    case RSA: {
      const size = (key.asymmetricKeyDetails?.modulusLength ?? 0) / 8;
      return verify(hash, hashed, key, leftPadded(mpiAt(value, 0).value, size));
    }
    case EDDSA_LEGACY: {
      const r = mpiAt(value, 0);
      const s = mpiAt(value, r.end);
      return verify(null, digest(hash, hashed), key, Buffer.concat([leftPadded(r.value, 32), leftPadded(s.value, 32)]));
    }
    case ED25519:
      return verify(null, digest(hash, hashed), key, value);
    default:
      return false;
  }
}

function digest(hash: string, bytes: Buffer): Buffer {
  return createHash(hash).update(bytes).digest();
}

function leftPadded(value: Buffer, size: number): Buffer {
  return value.length >= size ? value : Buffer.concat([Buffer.alloc(size - value.length), value]);
}
