import { OrlopError } from "@orlop/core";
import type { FoundSignature } from "../find-signatures.ts";
import { keyName, readKeySource } from "../key-source.ts";
import type { KeySource, SigstoreRequirement, SigstoreTrust } from "../policy.ts";
import { type Certificate, readCertificates } from "./certificate.ts";
import { chainProblem } from "./certificate-chain.ts";
import { readLogEntry } from "./log-entry.ts";
import { type PublicKey, publicKeyOf, readPublicKey } from "./public-key.ts";

/** Why a signature does not count, before anything of what was signed is looked at; undefined when it does. */
type SignatureCheck = (found: FoundSignature, now: number) => string | undefined;

/**
 * Reads the keys and certificates that a requirement trusts, once for all signatures.
 *
 * @throws OrlopError
 */
export function readTrust({ trust, logKeys }: SigstoreRequirement): SignatureCheck {
  const logs = logKeys.map((source) => {
    const key = readPublicKey(source);
    if (key.kind === "ec") return key;
    throw new OrlopError(
      "invalid",
      `Cannot use key "${keyName(source)}": a log signs with ECDSA, and it is ${key.kind}`,
    );
  });
  return trust.kind === "keys" ? keyCheck(trust.keys, logs) : certificateCheck(trust, logs);
}

function keyCheck(sources: readonly KeySource[], logs: readonly PublicKey[]): SignatureCheck {
  const keys = sources.map(readPublicKey);
  return (found) => {
    const key = keys.find((each) => each.verifies(found.payload, found.signature));
    if (key === undefined) return "it was made with another key";
    if (logs.length === 0) return undefined;
    if (found.logEntry === undefined) return "it stands in no log";
    readLogEntry(found.logEntry, logs, { ...found, maker: key.der });
    return undefined;
  };
}

function certificateCheck(trust: Exclude<SigstoreTrust, { kind: "keys" }>, logs: readonly PublicKey[]): SignatureCheck {
  const certificatesOf = (source: KeySource): readonly Certificate[] =>
    readCertificates(keyName(source), readKeySource(source).toString("latin1"));
  const roots = certificatesOf(trust.roots);
  const known = trust.kind === "pki" && trust.intermediates !== undefined ? certificatesOf(trust.intermediates) : [];
  return (found, now) => {
    if (found.certificate === undefined) return "it came without a certificate";
    const [leaf, further] = readCertificates("of the signature", found.certificate);
    if (leaf === undefined || further !== undefined) return "it came with several certificates";
    let at = now;
    if (trust.kind === "fulcio") {
      if (found.logEntry === undefined) return "it stands in no log";
      at = readLogEntry(found.logEntry, logs, { ...found, maker: leaf.x509.raw });
    }
    const sent = found.chain === undefined ? [] : readCertificates("of the signature's chain", found.chain);
    const problem = chainProblem(leaf, { roots, between: [...known, ...sent], at }) ?? subjectProblem(leaf, trust);
    if (problem !== undefined) return `of its certificate: ${problem}`;
    const key = publicKeyOf("of the signature's certificate", leaf.publicKey);
    return key.verifies(found.payload, found.signature) ? undefined : "it was not made with the key of its certificate";
  };
}

function subjectProblem(leaf: Certificate, trust: Exclude<SigstoreTrust, { kind: "keys" }>): string | undefined {
  if (trust.kind === "fulcio") {
    const { issuers } = leaf;
    if (issuers.length === 0 || issuers.some((issuer) => issuer !== trust.oidcIssuer))
      return `it names the issuer ${JSON.stringify(issuers[0] ?? "")}`;
  }
  const { subjectEmail } = trust;
  if (subjectEmail !== undefined && !leaf.emails.includes(subjectEmail))
    return `it is not of ${JSON.stringify(subjectEmail)}`;
  const hostname = trust.kind === "pki" ? trust.subjectHostname : undefined;
  if (hostname === undefined || isOfHost(leaf, hostname)) return undefined;
  return `it is not of ${JSON.stringify(hostname)}`;
}

/** By its alternative names alone. */
function isOfHost({ x509 }: Certificate, hostname: string): boolean {
  return x509.checkHost(hostname, { subject: "never", partialWildcards: false }) !== undefined;
}
