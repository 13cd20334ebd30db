import { OrlopError, parseReference, type Reference } from "@orlop/core";
import { type ImageOrigin, isInRegistry, type SignedIdentity } from "./policy.ts";

/**
 * Whether a signature that was made for `signed` is one for this image (containers-policy.json(5), "signedBy"). What has no
 * place in a registry has only the identities that a policy gives it.
 */
export function matchesIdentity(identity: SignedIdentity, origin: ImageOrigin, signed: string): boolean {
  const found = parseExact(signed);
  if (found === undefined) return false;
  switch (identity.type) {
    case "exactReference":
      return isSame(parseExact(identity.dockerReference), found);
    case "exactRepository":
      return isSameRepository(parseExact(identity.dockerRepository), found);
  }
  if (!isInRegistry(origin)) return false;
  const { tag, ...named } = origin.reference;
  // With both, it is the digest that is asked for.
  const wanted = tag === undefined || named.digest !== undefined ? named : { ...named, tag };
  switch (identity.type) {
    case "matchExact":
      return isSame(wanted, found);
    case "matchRepository":
      return isSameRepository(wanted, found);
    case "matchRepoDigestOrExact":
      return isSameOrOfDigest(wanted, found);
    case "remapIdentity":
      return isSameOrOfDigest(remapped(wanted, identity.prefix, identity.signedPrefix), found);
  }
}

/** As it stands there: without a tag that nobody has written. */
function parseExact(text: string): Reference | undefined {
  try {
    const { tag, ...reference } = parseReference(text);
    const isTagged = text.replace(/@.*$/, "").lastIndexOf(":") > text.lastIndexOf("/");
    return isTagged && tag !== undefined ? { ...reference, tag } : reference;
  } catch (error) {
    if (error instanceof OrlopError) return undefined;
    throw error;
  }
}

function isSameRepository(one: Reference | undefined, other: Reference): boolean {
  return one?.registry === other.registry && one.repository === other.repository;
}

function isSame(one: Reference | undefined, other: Reference): boolean {
  const isExact = other.tag !== undefined || other.digest !== undefined;
  return isExact && isSameRepository(one, other) && one?.tag === other.tag && one?.digest === other.digest;
}

/** An image by its digest is what was signed, under any tag: the digest itself has been compared. */
function isSameOrOfDigest(wanted: Reference | undefined, found: Reference): boolean {
  if (found.tag === undefined && found.digest === undefined) return false;
  if (wanted?.digest !== undefined) return isSameRepository(wanted, found);
  return isSame(wanted, found);
}

function remapped(reference: Reference, prefix: string, signedPrefix: string): Reference | undefined {
  const name = `${reference.registry}/${reference.repository}`;
  if (name !== prefix && !name.startsWith(`${prefix}/`)) return reference;
  const { registry, repository } = parseExact(`${signedPrefix}${name.slice(prefix.length)}`) ?? {};
  return registry === undefined || repository === undefined ? undefined : { ...reference, registry, repository };
}
