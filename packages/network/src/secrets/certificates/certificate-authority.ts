import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { der } from "./der.ts";

/** What a server shows, in PEM. */
interface ServerCertificate {
  readonly cert: string;
  readonly key: string;
}

interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

interface Subject {
  readonly commonName: string;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Uint8Array[];
}

const DAY_MS = 24 * 3600 * 1000;
/** Clocks differ; and some programs take no certificate for longer than this. */
const EARLIER_MS = DAY_MS;
const VALID_MS = 397 * DAY_MS;
const SERIAL_BYTES = 16;
const KEY_ID_BYTES = 20;

/** RFC 5280 and RFC 5758. */
const OIDS = {
  commonName: "2.5.4.3",
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  authorityKeyIdentifier: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
  serverAuth: "1.3.6.1.5.5.7.3.1",
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
};
/** KeyUsage: its bits from the highest one on, and how many of the byte are none. */
const USAGES = { digitalSignature: [0x80, 7], keyCertSign: [0x04, 2] } as const;
const DNS_NAME = 2;
const VERSION_3 = 2;

/**
 * An authority for certificates of servers (RFC 5280) whose key is in memory and nowhere else, and is gone with this object.
 * It is for one sandbox: nobody else has a reason to trust it.
 */
export class CertificateAuthority {
  /** In PEM: what clients are to trust. */
  readonly certificate: string;
  readonly #keys: KeyPair = generateKeys();
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
    const { publicKey } = this.#keys;
    const extensions = [
      extension(OIDS.basicConstraints, der.sequence(der.boolean(true), der.integer(Uint8Array.of(0))), true),
      extension(OIDS.keyUsage, usage("keyCertSign"), true),
      extension(OIDS.subjectKeyIdentifier, der.octetString(keyId(publicKey))),
    ];
    this.certificate = this.#sign({ commonName: name, publicKey, extensions });
  }

  /** A new key, and a certificate for a server of that name. */
  issue(host: string): ServerCertificate {
    const { publicKey, privateKey } = generateKeys();
    const extensions = [
      extension(OIDS.basicConstraints, der.sequence(), true),
      extension(OIDS.keyUsage, usage("digitalSignature"), true),
      extension(OIDS.extendedKeyUsage, der.sequence(der.objectIdentifier(OIDS.serverAuth))),
      extension(OIDS.subjectAltName, der.sequence(der.tagged(DNS_NAME, Buffer.from(host)))),
      extension(OIDS.subjectKeyIdentifier, der.octetString(keyId(publicKey))),
      extension(OIDS.authorityKeyIdentifier, der.sequence(der.tagged(0, keyId(this.#keys.publicKey)))),
    ];
    // The name that counts is the alternative one; this one has at most 64 characters.
    const cert = this.#sign({ commonName: "orlop", publicKey, extensions });
    return { cert, key: privateKey.export({ type: "pkcs8", format: "pem" }).toString() };
  }

  #sign({ commonName, publicKey, extensions }: Subject): string {
    const algorithm = der.sequence(der.objectIdentifier(OIDS.ecdsaWithSha256));
    const nowMs = Date.now();
    const content = der.sequence(
      der.taggedParts(0, der.integer(Uint8Array.of(VERSION_3))),
      der.integer(serialNumber()),
      algorithm,
      distinguishedName(this.#name),
      der.sequence(der.time(new Date(nowMs - EARLIER_MS)), der.time(new Date(nowMs + VALID_MS - EARLIER_MS))),
      distinguishedName(commonName),
      publicKey.export({ type: "spki", format: "der" }),
      der.taggedParts(3, der.sequence(...extensions)),
    );
    const signature = sign("sha256", content, this.#keys.privateKey);
    return pem(der.sequence(content, algorithm, der.bitString(signature)));
  }
}

function generateKeys(): KeyPair {
  return generateKeyPairSync("ec", { namedCurve: "P-256" });
}

/** Positive, and without zero bytes in front. */
function serialNumber(): Buffer {
  const bytes = randomBytes(SERIAL_BYTES);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes;
}

function distinguishedName(commonName: string): Buffer {
  return der.sequence(der.set(der.sequence(der.objectIdentifier(OIDS.commonName), der.utf8String(commonName))));
}

function keyId(key: KeyObject): Buffer {
  const bytes = key.export({ type: "spki", format: "der" });
  return createHash("sha256").update(bytes).digest().subarray(0, KEY_ID_BYTES);
}

function usage(name: keyof typeof USAGES): Buffer {
  const [bits, unused] = USAGES[name];
  return der.bitString(Uint8Array.of(bits), unused);
}

function extension(oid: string, value: Uint8Array, isCritical = false): Buffer {
  const critical = isCritical ? [der.boolean(true)] : [];
  return der.sequence(der.objectIdentifier(oid), ...critical, der.octetString(value));
}

function pem(bytes: Buffer): string {
  const lines = bytes.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}
