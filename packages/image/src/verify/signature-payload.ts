import { decodeJson, OrlopError } from "@orlop/core";

/** What a signature says, once it has been verified. */
export interface SignedClaim {
  /** The image's name. */
  readonly reference: string;
  /** Of its manifest or index. */
  readonly digest: string;
}

/**
 * Reads what was signed, which may have nothing of weight that is not known (containers-signature(5)).
 *
 * @param expectedType what it has to call itself
 * @throws OrlopError `invalid`
 */
export function decodePayload(payload: Buffer, expectedType: string): SignedClaim {
  const { critical } = membersOf(decodeJson("signature", payload), ["critical", "optional"]);
  const { type, image, identity } = membersOf(critical, ["type", "image", "identity"]);
  const digest = membersOf(image, ["docker-manifest-digest"])["docker-manifest-digest"];
  const reference = membersOf(identity, ["docker-reference"])["docker-reference"];
  if (type !== expectedType) throw refused(`it is of type ${JSON.stringify(type)}`);
  if (typeof digest !== "string" || typeof reference !== "string") throw refused("it names no image");
  return { digest, reference };
}

/** These members, and no others. */
function membersOf(value: unknown, names: readonly string[]): Readonly<Record<string, unknown>> {
  const found = typeof value === "object" && value !== null && !Array.isArray(value) ? Object.keys(value) : [];
  if (found.toSorted().join() !== names.toSorted().join()) {
    throw refused(`it has not the members ${names.join(", ")}, and no others`);
  }
  return value as Readonly<Record<string, unknown>>;
}

function refused(problem: string): OrlopError {
  return new OrlopError("invalid", `Cannot use signature: ${problem}`);
}
