import type { Certificate } from "./certificate.ts";

/** Authorities between a certificate and its root. */
const BETWEEN_MAX = 8;
/** RFC 5280, section 4.2.1.12: id-kp-codeSigning, and any purpose. */
const CODE_SIGNING = "1.3.6.1.5.5.7.3.3";
const ANY_PURPOSE = "2.5.29.37.0";
/** RFC 5280, section 4.2.1.3: bits of the first byte. */
const DIGITAL_SIGNATURE = 0x80;
const KEY_CERT_SIGN = 0x04;

/** Those whose hashes nobody makes collide: RSA (PKCS #1) and ECDSA with SHA-2, Ed25519. */
const SIGNATURE_ALGORITHMS: ReadonlySet<string> = new Set([
  ...["1.2.840.113549.1.1.11", "1.2.840.113549.1.1.12", "1.2.840.113549.1.1.13"],
  ...["1.2.840.10045.4.3.2", "1.2.840.10045.4.3.3", "1.2.840.10045.4.3.4"],
  "1.3.101.112",
]);

interface ChainOptions {
  /** Trusted. */
  readonly roots: readonly Certificate[];
  /** What may lead there; nothing of it is trusted. */
  readonly between: readonly Certificate[];
  /** Milliseconds since 1970: when all of them have to be valid. */
  readonly at: number;
}

/** Why a certificate is not one for signing code that a root vouches for (RFC 5280, section 6), or undefined when it is. */
export function chainProblem(leaf: Certificate, { roots, between, at }: ChainOptions): string | undefined {
  const own = problemOf(leaf, at);
  if (own !== undefined) return own;
  if (leaf.keyUsage !== undefined && (leaf.keyUsage & DIGITAL_SIGNATURE) === 0) return "it is not for signatures";
  let reason: string | undefined;
  const leads = (certificate: Certificate, left: readonly Certificate[], below: number): boolean => {
    for (const issuer of [...roots, ...left]) {
      if (!certificate.x509.checkIssued(issuer.x509)) continue;
      const problem = authorityProblem(issuer, below, at);
      if (problem !== undefined) reason ??= `its issuer "${subjectOf(issuer)}" will not do: ${problem}`;
      else if (!certificate.x509.verify(issuer.publicKey)) reason ??= "its issuer has not signed it";
      else if (roots.includes(issuer)) return true;
      else if (
        below < BETWEEN_MAX &&
        leads(
          issuer,
          left.filter((each) => each !== issuer),
          below + 1,
        )
      )
        return true;
    }
    return false;
  };
  if (leads(leaf, between, 0)) return undefined;
  return reason ?? "no authority that is trusted has issued it";
}

/** `below` is how many authorities are below it. */
function authorityProblem(issuer: Certificate, below: number, at: number): string | undefined {
  if (!issuer.isAuthority) return "it is no authority";
  if (issuer.keyUsage !== undefined && (issuer.keyUsage & KEY_CERT_SIGN) === 0) return "it is not for certificates";
  if (issuer.pathLengthMax !== undefined && below > issuer.pathLengthMax) return "there are too many below it";
  return problemOf(issuer, at);
}

function problemOf({ x509, signatureAlgorithm, unknown, purposes }: Certificate, at: number): string | undefined {
  const [first] = unknown;
  if (first !== undefined) return `its extension ${first} is not supported`;
  if (!SIGNATURE_ALGORITHMS.has(signatureAlgorithm)) return `its signature by ${signatureAlgorithm} does not count`;
  if (at < x509.validFromDate.getTime() || at > x509.validToDate.getTime())
    return `at ${new Date(at).toISOString()} it was not valid`;
  if (purposes === undefined || purposes.includes(CODE_SIGNING) || purposes.includes(ANY_PURPOSE)) return undefined;
  return "it is not for signing code";
}

function subjectOf({ x509 }: Certificate): string {
  return (x509.subject ?? "").replaceAll("\n", ", ");
}
