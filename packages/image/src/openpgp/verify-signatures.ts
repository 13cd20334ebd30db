import type { SigningKey } from "./keyring.ts";
import { PACKET_SIGNATURE, type Packet } from "./read-packets.ts";
import { isSignatureOf, readSignature, type Signature } from "./signature.ts";

/** Those that nobody can find collisions of. */
const HASHES: ReadonlySet<string> = new Set(["sha256", "sha384", "sha512"]);
const CLOCK_DIFFERENCE_MAX_SECONDS = 24 * 60 * 60;
/** Debian's releases have three. */
const SIGNATURES_MAX = 32;

interface SignatureCheck {
  /** Fingerprints of the keys that signed, and of their primary keys. */
  readonly good: readonly { readonly signer: string; readonly primary: string }[];
  /** Why the other signatures do not count: `the key 0123456789ABCDEF is not there`. */
  readonly problems: readonly string[];
}

/** Which signatures of these bytes, among some packets, are good. `type` is the kind that they have to be of; `now` in seconds since 1970. */
export function checkSignatures(
  signatures: readonly Packet[],
  signed: Buffer,
  { keys, type, now }: { readonly keys: readonly SigningKey[]; readonly type: number; readonly now: number },
): SignatureCheck {
  const good: { signer: string; primary: string }[] = [];
  const problems: string[] = [];
  const packets = signatures.filter((packet) => packet.type === PACKET_SIGNATURE);
  for (const { body } of packets.slice(0, SIGNATURES_MAX)) {
    const signature = readSignature(body);
    if (signature === undefined) continue;
    const problem = signatureProblem(signature, type, now);
    const named = keys.filter(({ key }) => key.fingerprint.endsWith(signature.issuer ?? "none"));
    if (problem !== undefined) problems.push(problem);
    else if (named.length === 0) problems.push(`the key ${signature.issuer ?? "that made it"} is not there`);
    for (const candidate of problem === undefined ? named : []) {
      const reason =
        keyProblem(candidate, now) ??
        (isSignatureOf(signature, signed, candidate.key) ? undefined : "did not make this signature");
      const { fingerprint } = candidate.key;
      if (reason === undefined) good.push({ signer: fingerprint, primary: candidate.primary });
      else problems.push(`the key ${fingerprint} ${reason}`);
    }
  }
  return { good, problems };
}

function signatureProblem(signature: Signature, type: number, now: number): string | undefined {
  const { hash, created, expiresAfter, isCritical } = signature;
  if (signature.type !== type) return `a signature is of type ${signature.type}`;
  if (hash === undefined || !HASHES.has(hash)) return `a signature has the hash ${hash ?? "of an unknown kind"}`;
  if (isCritical) return "a signature asks for what is not known";
  if (created === 0 || created > now + CLOCK_DIFFERENCE_MAX_SECONDS) return "a signature is of the future";
  if (expiresAfter !== 0 && created + expiresAfter < now) return "a signature has expired";
  return undefined;
}

function keyProblem({ problem, expires }: SigningKey, now: number): string | undefined {
  if (problem !== undefined) return problem;
  return expires !== undefined && expires < now ? "has expired" : undefined;
}
