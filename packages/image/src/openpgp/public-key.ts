import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import { byteAt, mpiAt, numberAt } from "./read-packets.ts";

/** RFC 9580, section 9.1. */
export const RSA = 1;
const RSA_SIGN_ONLY = 3;
export const EDDSA_LEGACY = 22;
export const ED25519 = 27;

const RSA_BITS_MIN = 2048;
/** The curve's object identifier with its length in front (RFC 9580, section 9.2). */
const ED25519_LEGACY_OID = Buffer.from("092b06010401da470f01", "hex");
const POINT_PREFIX = 0x40;

/** A key or a subkey, of version 4 (RFC 9580, section 5.5.2). */
export interface PublicKey {
  readonly body: Buffer;
  readonly algorithm: number;
  /** Seconds since 1970. */
  readonly created: number;
  /** Hex, in capitals. */
  readonly fingerprint: string;
  /** Undefined: of an algorithm, or so short, that no signature of it counts. */
  readonly key: KeyObject | undefined;
}

/** Undefined for keys of other versions. @throws OrlopError `invalid` */
export function readPublicKey(body: Buffer): PublicKey | undefined {
  if (byteAt(body, 0) !== 4) return undefined;
  const algorithm = byteAt(body, 5);
  return {
    body,
    algorithm: algorithm === RSA_SIGN_ONLY ? RSA : algorithm,
    created: numberAt(body, 1, 4),
    fingerprint: createHash("sha1").update(framedKey(body)).digest("hex").toUpperCase(),
    key: keyObject(algorithm, body.subarray(6)),
  };
}

/** As keys are hashed (RFC 9580, section 5.2.4). */
export function framedKey(body: Buffer): Buffer {
  const head = Buffer.from([0x99, 0, 0]);
  head.writeUInt16BE(body.length & 0xffff, 1);
  return Buffer.concat([head, body]);
}

function keyObject(algorithm: number, material: Buffer): KeyObject | undefined {
  if (algorithm === RSA || algorithm === RSA_SIGN_ONLY) {
    const modulus = mpiAt(material, 0);
    const exponent = mpiAt(material, modulus.end);
    if (modulus.value.length * 8 < RSA_BITS_MIN) return undefined;
    return imported({ kty: "RSA", n: base64url(modulus.value), e: base64url(exponent.value) });
  }
  if (algorithm === EDDSA_LEGACY) {
    const oid = material.subarray(0, ED25519_LEGACY_OID.length);
    if (!oid.equals(ED25519_LEGACY_OID)) return undefined;
    const { value } = mpiAt(material, oid.length);
    return value.length === 33 && value[0] === POINT_PREFIX ? ed25519(value.subarray(1)) : undefined;
  }
  return algorithm === ED25519 && material.length === 32 ? ed25519(material) : undefined;
}

function ed25519(point: Buffer): KeyObject | undefined {
  return imported({ kty: "OKP", crv: "Ed25519", x: base64url(point) });
}

function imported(jwk: Readonly<Record<string, string>>): KeyObject | undefined {
  try {
    return createPublicKey({ key: jwk, format: "jwk" });
  } catch {
    // Numbers that are no key of this kind.
    return undefined;
  }
}

function base64url(bytes: Buffer): string {
  return bytes.toString("base64url");
}
