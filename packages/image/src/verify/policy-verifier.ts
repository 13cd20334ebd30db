import { OrlopError } from "@orlop/core";
import { isIndex } from "../layout/members-for-platform.ts";
import { type FoundSignature, findSignatures } from "./find-signatures.ts";
import { gpgClaim, readGpgKeys } from "./gpg-signature.ts";
import type { ImageToVerify, ImageVerifier } from "./image-verifier.ts";
import type { Lookaside } from "./lookaside.ts";
import {
  type GpgRequirement,
  type ImageOrigin,
  isInRegistry,
  type Policy,
  type PolicyRequirement,
  type SignatureRequirement,
  type SigstoreRequirement,
} from "./policy.ts";
import { requirementsFor } from "./policy-scopes.ts";
import { decodePayload, type SignedClaim } from "./signature-payload.ts";
import { matchesIdentity } from "./signed-identity.ts";
import { readTrust } from "./sigstore/read-trust.ts";

/** What cosign calls its signatures (cosign, SIGNATURE_SPEC.md, "Simple Signing"). */
const SIGNATURE_TYPE = "cosign container image signature";

/** Of reasons why signatures are not accepted. */
const SHOWN_MAX = 3;

export interface PolicyVerifierOptions {
  /** Where signatures by GPG are; absent: nowhere. */
  readonly lookaside?: Lookaside;
  /** Milliseconds since 1970; absent: the present. */
  readonly now?: number;
}

/** Lets pass what a policy allows to come from there: an image has to meet all that is required of its scope. */
export function policyVerifier(
  policy: Policy,
  origin: ImageOrigin,
  { lookaside, now }: PolicyVerifierOptions = {},
): ImageVerifier {
  return async (image) => {
    const signatures = foundOnce((signed) => findSignatures(signed, image, origin));
    const messages = foundOnce(async ({ digest }) =>
      isInRegistry(origin) ? ((await lookaside?.signatures(origin.reference, digest, image.signal)) ?? []) : [],
    );
    for (const requirement of requirementsFor(policy, origin)) {
      const evaluation = { image, origin, signatures, messages, now: now ?? Date.now() };
      const problem = await problemWith(requirement, evaluation);
      if (problem === undefined) continue;
      const { code, what } = problem;
      throw new OrlopError(
        code,
        `Cannot use image "${image.name ?? image.target.digest}": the policy "${policy.name}" ${what}`,
      );
    }
  };
}

/** What several requirements may ask for. */
function foundOnce<T>(find: (signed: SignedThing) => Promise<T>): (signed: SignedThing) => Promise<T> {
  const known = new Map<string, Promise<T>>();
  return (signed) => {
    const found = known.get(signed.digest) ?? find(signed);
    known.set(signed.digest, found);
    return found;
  };
}

type SignedThing = ImageToVerify["target"];

interface Evaluation {
  readonly image: ImageToVerify;
  readonly origin: ImageOrigin;
  readonly signatures: (signed: SignedThing) => Promise<readonly FoundSignature[]>;
  readonly messages: (signed: SignedThing) => Promise<readonly Buffer[]>;
  readonly now: number;
}

interface Problem {
  readonly code: "denied" | "unsupported";
  /** What the policy does. */
  readonly what: string;
}

async function problemWith(requirement: PolicyRequirement, evaluation: Evaluation): Promise<Problem | undefined> {
  switch (requirement.type) {
    case "insecureAcceptAnything":
      return undefined;
    case "reject":
      return { code: "denied", what: "rejects images from there" };
    case "unsupported":
      return { code: "unsupported", what: `asks for ${requirement.what}, which are not supported` };
    case "sigstoreSigned":
    case "signedBy": {
      const what = await unsigned(requirement, evaluation);
      return what === undefined ? undefined : { code: "denied", what: `asks for a signature, and ${what}` };
    }
  }
}

/**
 * Who signs an index vouches for all that it names; who signs images one by one, as podman does, for those alone: then all
 * that come have to be signed.
 */
async function unsigned(requirement: SignatureRequirement, evaluation: Evaluation): Promise<string | undefined> {
  const { target, manifests } = evaluation.image;
  const own = await missingSignature(requirement, evaluation, target);
  if (own === undefined || !isIndex(target)) return own;
  const come = await manifests();
  if (come.length === 0) return own;
  for (const manifest of come) {
    const missing = await missingSignature(requirement, evaluation, manifest);
    if (missing !== undefined) return `${own}; of its manifest "${manifest.digest}": ${missing}`;
  }
  return undefined;
}

async function missingSignature(
  requirement: SignatureRequirement,
  evaluation: Evaluation,
  signed: SignedThing,
): Promise<string | undefined> {
  const claims = await (requirement.type === "signedBy"
    ? gpgClaims(requirement, evaluation, signed)
    : sigstoreClaims(requirement, evaluation, signed));
  if (claims.length === 0) return "it has none";
  const reasons = new Set<string>();
  for (const claim of claims) {
    const reason = rejection(claim, requirement, signed, evaluation.origin);
    if (reason === undefined) return undefined;
    reasons.add(reason);
  }
  const shown = [...reasons].slice(0, SHOWN_MAX).join("; ");
  return `none of its ${claims.length} is accepted: ${shown}${reasons.size > SHOWN_MAX ? "; ..." : ""}`;
}

/** What a signature says, once it has been verified, or why it does not count. */
type Claim = () => SignedClaim | string;

async function gpgClaims(
  { keys: sources }: GpgRequirement,
  { messages, now }: Evaluation,
  signed: SignedThing,
): Promise<readonly Claim[]> {
  const keys = sources.flatMap(readGpgKeys);
  return (await messages(signed)).map((message) => () => gpgClaim(message, keys, now));
}

async function sigstoreClaims(
  requirement: SigstoreRequirement,
  { signatures, now }: Evaluation,
  signed: SignedThing,
): Promise<readonly Claim[]> {
  const check = readTrust(requirement);
  // Nothing of the payload is looked at before.
  return (await signatures(signed)).map(
    (found) => () => check(found, now) ?? decodePayload(found.payload, SIGNATURE_TYPE),
  );
}

function rejection(
  claim: Claim,
  { signedIdentity }: SignatureRequirement,
  signed: SignedThing,
  origin: ImageOrigin,
): string | undefined {
  try {
    const claimed = claim();
    if (typeof claimed === "string") return claimed;
    if (claimed.digest !== signed.digest) return `it was made for "${claimed.digest}"`;
    if (matchesIdentity(signedIdentity, origin, claimed.reference)) return undefined;
    // As cosign signs, which names no tags.
    const isBare = !/:[^/]*$|@/.test(claimed.reference);
    const wouldDo = isBare && matchesIdentity({ type: "matchRepository" }, origin, claimed.reference);
    const way = wouldDo ? "; a signedIdentity of type matchRepository takes that" : "";
    return `it was made for "${claimed.reference}" (${signedIdentity.type})${way}`;
  } catch (error) {
    if (error instanceof OrlopError) return error.message;
    throw error;
  }
}
