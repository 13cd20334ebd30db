import type { KeyObject, X509Certificate } from "node:crypto";
import { OrlopError } from "@orlop/core";
import {
  DER_BIT_STRING,
  DER_BOOLEAN,
  DER_INTEGER,
  DER_OBJECT_IDENTIFIER,
  DER_OCTET_STRING,
  DER_SEQUENCE,
  DER_UTF8_STRING,
  type DerValue,
  readDer,
  readObjectIdentifier,
  readOneDer,
} from "./read-der.ts";

/** A certificate (RFC 5280), with what Node does not tell of it. */
export interface Certificate {
  readonly x509: X509Certificate;
  readonly publicKey: KeyObject;
  /** Of the signature on it. */
  readonly signatureAlgorithm: string;
  readonly isAuthority: boolean;
  /** How many authorities may stand below it, if that is limited. */
  readonly pathLengthMax: number | undefined;
  /** Bits of the key usage, the first one the highest of the first byte; absent: anything. */
  readonly keyUsage: number | undefined;
  /** What it is for; absent: anything. */
  readonly purposes: readonly string[] | undefined;
  readonly emails: readonly string[];
  /** Who knew the person that Fulcio gave it to, as it says in two places. */
  readonly issuers: readonly string[];
  /** Extensions that have to be understood, and are not. */
  readonly unknown: readonly string[];
}

/** RFC 5280, section 4.2.1. */
const SUBJECT_ALTERNATIVE_NAME = "2.5.29.17";
const BASIC_CONSTRAINTS = "2.5.29.19";
const NAME_CONSTRAINTS = "2.5.29.30";
const KEY_USAGE = "2.5.29.15";
const EXTENDED_KEY_USAGE = "2.5.29.37";
const READ: ReadonlySet<string> = new Set([SUBJECT_ALTERNATIVE_NAME, BASIC_CONSTRAINTS, KEY_USAGE, EXTENDED_KEY_USAGE]);
/** Fulcio, docs/oid-info.md: the bare text, and later one in DER. */
const FULCIO_ISSUER = "1.3.6.1.4.1.57264.1.1";
const FULCIO_ISSUER_V2 = "1.3.6.1.4.1.57264.1.8";

/** Of TBSCertificate, and of GeneralName. */
const TAG_EXTENSIONS = 0xa3;
const TAG_RFC822_NAME = 0x81;

const CERTIFICATES_MAX = 16;
const PEM = /-----BEGIN CERTIFICATE-----[\sA-Za-z0-9+/=]+-----END CERTIFICATE-----/g;

/**
 * All certificates of a text in PEM.
 *
 * @throws OrlopError `invalid`
 */
export function readCertificates(name: string, pem: string): readonly Certificate[] {
  const found = pem.match(PEM) ?? [];
  if (found.length === 0) throw refused(name, "it is no certificate in PEM");
  if (found.length > CERTIFICATES_MAX) throw refused(name, `it has more than ${CERTIFICATES_MAX} certificates`);
  const { X509Certificate } = process.getBuiltinModule("node:crypto");
  return found.map((text) => {
    try {
      return describe(new X509Certificate(text));
    } catch (cause) {
      throw refused(name, `it is no certificate: ${(cause as Error).message}`, cause);
    }
  });
}

interface Extension {
  readonly value: Buffer;
  readonly isCritical: boolean;
}

function describe(x509: X509Certificate): Certificate {
  const [signed, algorithm] = readDer(readOneDer(x509.raw, DER_SEQUENCE));
  const extensions = extensionsOf(readDer(signed?.content ?? Buffer.alloc(0)));
  const value = (oid: string): Buffer | undefined => extensions.get(oid)?.value;
  const constraints = parts(value(BASIC_CONSTRAINTS));
  const pathLength = constraints.find(({ tag }) => tag === DER_INTEGER)?.content;
  return {
    x509,
    publicKey: x509.publicKey,
    signatureAlgorithm: oidOf(readDer(algorithm?.content ?? Buffer.alloc(0))[0]),
    isAuthority: constraints[0]?.tag === DER_BOOLEAN && constraints[0].content[0] !== 0,
    pathLengthMax: pathLength?.readUIntBE(0, pathLength.length),
    keyUsage: keyUsageOf(value(KEY_USAGE)),
    purposes: value(EXTENDED_KEY_USAGE) && parts(value(EXTENDED_KEY_USAGE)).map(oidOf),
    emails: parts(value(SUBJECT_ALTERNATIVE_NAME))
      .filter(({ tag }) => tag === TAG_RFC822_NAME)
      .map(({ content }) => content.toString("latin1")),
    issuers: issuersOf(value(FULCIO_ISSUER), value(FULCIO_ISSUER_V2)),
    // Names are not held against constraints here, whether or not whoever made them wants it.
    unknown: [...extensions]
      .filter(([oid, { isCritical }]) => (isCritical && !READ.has(oid)) || oid === NAME_CONSTRAINTS)
      .map(([oid]) => oid),
  };
}

function extensionsOf(fields: readonly DerValue[]): ReadonlyMap<string, Extension> {
  const field = fields.find(({ tag }) => tag === TAG_EXTENSIONS);
  const extensions = new Map<string, Extension>();
  if (field === undefined) return extensions;
  for (const { content } of readDer(readOneDer(field.content, DER_SEQUENCE))) {
    const [oid, ...rest] = readDer(content);
    const value = rest.at(-1);
    const name = oidOf(oid);
    if (value?.tag !== DER_OCTET_STRING || extensions.has(name)) throw new RangeError(`extension ${name} is malformed`);
    const isCritical = rest.length === 2 && rest[0]?.tag === DER_BOOLEAN && rest[0].content[0] !== 0;
    extensions.set(name, { value: value.content, isCritical });
  }
  return extensions;
}

/** Of a sequence; none of what is not there. */
function parts(sequence: Buffer | undefined): readonly DerValue[] {
  return sequence === undefined ? [] : readDer(readOneDer(sequence, DER_SEQUENCE));
}

function oidOf(value: DerValue | undefined): string {
  if (value?.tag !== DER_OBJECT_IDENTIFIER) throw new RangeError("no object identifier");
  return readObjectIdentifier(value.content);
}

function keyUsageOf(value: Buffer | undefined): number | undefined {
  return value === undefined ? undefined : (readOneDer(value, DER_BIT_STRING)[1] ?? 0);
}

function issuersOf(bare: Buffer | undefined, encoded: Buffer | undefined): readonly string[] {
  return [
    ...(bare === undefined ? [] : [bare.toString()]),
    ...(encoded === undefined ? [] : [readOneDer(encoded, DER_UTF8_STRING).toString()]),
  ];
}

function refused(name: string, problem: string, cause?: unknown): OrlopError {
  return new OrlopError("invalid", `Cannot use certificate "${name}": ${problem}`, { cause });
}
