import { OrlopError } from "@orlop/core";
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
    let found: Promise<readonly FoundSignature[]> | undefined;
    const signatures = (): Promise<readonly FoundSignature[]> => {
      found ??= findSignatures(image, origin);
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

interface Evaluation {
  readonly image: ImageToVerify;
  readonly origin: ImageOrigin;
  readonly signatures: () => Promise<readonly FoundSignature[]>;
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
      const what = await missingSignature(requirement, evaluation);
      return what === undefined ? undefined : { code: "denied", what: `asks for a signature, and ${what}` };
    }
  }
}

async function missingSignature(
  requirement: SigstoreSigned,
  { image, origin, signatures }: Evaluation,
): Promise<string | undefined> {
  const keys = requirement.keys.map(readPublicKey);
  const found = await signatures();
  if (found.length === 0) return "it has none";
  const reasons = new Set<string>();
  for (const signature of found) {
    const reason = rejection(signature, { keys, requirement, image, origin });
    if (reason === undefined) return undefined;
    reasons.add(reason);
  }
  const shown = [...reasons].slice(0, SHOWN_MAX).join("; ");
  return `none of its ${found.length} is accepted: ${shown}${reasons.size > SHOWN_MAX ? "; ..." : ""}`;
}

interface Expectation extends Pick<Evaluation, "image" | "origin"> {
  readonly keys: readonly PublicKey[];
  readonly requirement: SigstoreSigned;
}

function rejection(
  { payload, signature }: FoundSignature,
  { keys, requirement, image, origin }: Expectation,
): string | undefined {
  // Nothing of the payload is looked at before.
  if (!keys.some((key) => key.verifies(payload, signature))) return "it was made with another key";
  try {
    const { reference, digest } = decodePayload(payload);
    if (digest !== image.target.digest) return `it was made for "${digest}"`;
    if (matchesIdentity(requirement.signedIdentity, origin, reference)) return undefined;
    return `it was made for "${reference}" (${requirement.signedIdentity.type})`;
  } catch (error) {
    if (error instanceof OrlopError) return error.message;
    throw error;
  }
}
