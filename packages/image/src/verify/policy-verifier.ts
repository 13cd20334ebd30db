import { OrlopError } from "@orlop/core";
import { isIndex } from "../layout/members-for-platform.ts";
import { type FoundSignature, findSignatures } from "./find-signatures.ts";
import type { ImageToVerify, ImageVerifier } from "./image-verifier.ts";
import type { ImageOrigin, Policy, PolicyRequirement, SigstoreSigned } from "./policy.ts";
import { requirementsFor } from "./policy-scopes.ts";
import { type PublicKey, readPublicKey } from "./public-key.ts";
import { decodePayload } from "./signature-payload.ts";
import { matchesIdentity } from "./signed-identity.ts";

/** Of reasons why signatures are not accepted. */
const SHOWN_MAX = 3;

/** Lets pass what a policy allows to come from there: an image has to meet all that is required of its scope. */
export function policyVerifier(policy: Policy, origin: ImageOrigin): ImageVerifier {
  return async (image) => {
    const known = new Map<string, Promise<readonly FoundSignature[]>>();
    const signatures = (signed: SignedThing): Promise<readonly FoundSignature[]> => {
      const found = known.get(signed.digest) ?? findSignatures(signed, image, origin);
      known.set(signed.digest, found);
      return found;
    };
    for (const requirement of requirementsFor(policy, origin)) {
      const problem = await problemWith(requirement, { image, origin, signatures });
      if (problem === undefined) continue;
      const { code, what } = problem;
      throw new OrlopError(
        code,
        `Cannot use image "${image.name ?? image.target.digest}": the policy "${policy.name}" ${what}`,
      );
    }
  };
}

type SignedThing = ImageToVerify["target"];

interface Evaluation {
  readonly image: ImageToVerify;
  readonly origin: ImageOrigin;
  readonly signatures: (signed: SignedThing) => Promise<readonly FoundSignature[]>;
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
    case "sigstoreSigned": {
      const what = await unsigned(requirement, evaluation);
      return what === undefined ? undefined : { code: "denied", what: `asks for a signature, and ${what}` };
    }
  }
}

/**
 * Who signs an index vouches for all that it names; who signs images one by one, as podman does, for those alone: then all
 * that come have to be signed.
 */
async function unsigned(requirement: SigstoreSigned, evaluation: Evaluation): Promise<string | undefined> {
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
  requirement: SigstoreSigned,
  { origin, signatures }: Evaluation,
  signed: SignedThing,
): Promise<string | undefined> {
  const keys = requirement.keys.map(readPublicKey);
  const found = await signatures(signed);
  if (found.length === 0) return "it has none";
  const reasons = new Set<string>();
  for (const signature of found) {
    const reason = rejection(signature, { keys, requirement, signed, origin });
    if (reason === undefined) return undefined;
    reasons.add(reason);
  }
  const shown = [...reasons].slice(0, SHOWN_MAX).join("; ");
  return `none of its ${found.length} is accepted: ${shown}${reasons.size > SHOWN_MAX ? "; ..." : ""}`;
}

interface Expectation {
  readonly keys: readonly PublicKey[];
  readonly requirement: SigstoreSigned;
  readonly signed: SignedThing;
  readonly origin: ImageOrigin;
}

function rejection(
  { payload, signature }: FoundSignature,
  { keys, requirement, signed, origin }: Expectation,
): string | undefined {
  // Nothing of the payload is looked at before.
  if (!keys.some((key) => key.verifies(payload, signature))) return "it was made with another key";
  try {
    const { reference, digest } = decodePayload(payload);
    if (digest !== signed.digest) return `it was made for "${digest}"`;
    if (matchesIdentity(requirement.signedIdentity, origin, reference)) return undefined;
    return `it was made for "${reference}" (${requirement.signedIdentity.type})`;
  } catch (error) {
    if (error instanceof OrlopError) return error.message;
    throw error;
  }
}
