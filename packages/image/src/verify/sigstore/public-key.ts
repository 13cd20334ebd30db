import type { KeyObject } from "node:crypto";
import { OrlopError } from "@orlop/core";
import { keyName, readKeySource } from "../key-source.ts";
import type { KeySource } from "../policy.ts";

const RSA_MIN_BITS = 2048;

/** A key that signatures are verified with. */
export interface PublicKey {
  /** SubjectPublicKeyInfo in DER. */
  readonly der: Buffer;
  readonly kind: KeyObject["asymmetricKeyType"];
  verifies(payload: Buffer, signature: Buffer): boolean;
}

/**
 * A public key in PEM: of ECDSA and RSA (PKCS #1 v1.5) with SHA-256, as cosign and sigstore have it, or of Ed25519.
 *
 * @throws OrlopError
 */
export function readPublicKey(source: KeySource): PublicKey {
  const name = keyName(source);
  const pem = readKeySource(source);
  const { createPublicKey } = process.getBuiltinModule("node:crypto");
  // The public half of a private key would do, and nobody who gives one away here means to.
  if (!/^-----BEGIN (?:RSA )?PUBLIC KEY-----/m.test(pem.toString("latin1")))
    throw refused(name, "it is no public key in PEM");
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch (cause) {
    throw refused(name, `it is no public key: ${(cause as Error).message}`, cause);
  }
  return publicKeyOf(name, key);
}

/** @throws OrlopError for a key that is weak, or of another kind */
export function publicKeyOf(name: string, key: KeyObject): PublicKey {
  const { verify } = process.getBuiltinModule("node:crypto");
  const algorithm = algorithmOf(name, key);
  return {
    der: key.export({ type: "spki", format: "der" }),
    kind: key.asymmetricKeyType,
    verifies: (payload, signature) => verify(algorithm, payload, key, signature),
  };
}

function algorithmOf(name: string, { asymmetricKeyType, asymmetricKeyDetails }: KeyObject): "sha256" | null {
  switch (asymmetricKeyType) {
    case "ec":
      return "sha256";
    case "ed25519":
      return null;
    case "rsa": {
      const bits = asymmetricKeyDetails?.modulusLength ?? 0;
      if (bits >= RSA_MIN_BITS) return "sha256";
      throw refused(name, `it has ${bits} bits, and ${RSA_MIN_BITS} are needed`);
    }
    default:
      throw new OrlopError("unsupported", `Cannot use key "${name}": its kind is ${asymmetricKeyType}`);
  }
}

function refused(name: string, problem: string, cause?: unknown): OrlopError {
  return new OrlopError("invalid", `Cannot use key "${name}": ${problem}`, { cause });
}
