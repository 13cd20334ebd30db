import {
  type Digest,
  familiarReference,
  formatReference,
  type ImageRecord,
  OrlopError,
  parseDigest,
  parseReference,
  type Reference,
} from "@orlop/core";

/** What stands for a part of a name that is not there. */
export const NONE = "<none>";

/** The name of a record; undefined for one that keeps an image without a name, which is called by its digest. */
export function nameOf({ name }: ImageRecord): Reference | undefined {
  if (asDigest(name) !== undefined) return undefined;
  return asReference(name);
}

/** The name of a record as people write it, one of `debian:` as it was made; undefined for one without a name. */
export function familiarName(record: ImageRecord): string | undefined {
  if (isNameless(record)) return undefined;
  const name = nameOf(record);
  return name === undefined ? record.name : familiarReference(name);
}

/**
 * A name to give to an image, in full.
 *
 * @throws OrlopError `invalid`
 */
export function newName(text: string): string {
  const reference = parseReference(text);
  if (reference.digest === undefined) return formatReference(reference);
  throw new OrlopError("invalid", `Cannot use image name "${text}": a name with a digest is given by its content`);
}

/** Whether a record only keeps an image that has no name: it is called by its digest. */
export function isNameless({ name }: ImageRecord): boolean {
  return asDigest(name) !== undefined;
}

/** What a list shows of the name of an image that was made here: `debian`, `bookworm?packages=busybox-static`. */
export function madeName(record: ImageRecord): { readonly repository: string; readonly tag: string } | undefined {
  if (isNameless(record) || nameOf(record) !== undefined) return undefined;
  const [repository = "", ...rest] = record.name.split(":");
  return { repository, tag: rest.length === 0 ? NONE : rest.join(":") };
}

/** Repository as people write it: `busybox`, `localhost:5000/app`. */
export function familiarRepository({ registry, repository }: Reference): string {
  return familiarReference({ registry, repository });
}

/** Without tag and digest, in full. */
export function repositoryOf({ registry, repository }: Reference): string {
  return formatReference({ registry, repository });
}

/** Undefined for what is no name. */
export function asReference(text: string): Reference | undefined {
  return unlessInvalid(() => parseReference(text));
}

/** Undefined for what is no digest. */
export function asDigest(text: string): Digest | undefined {
  return unlessInvalid(() => parseDigest(text));
}

function unlessInvalid<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof OrlopError && error.code === "invalid") return undefined;
    throw error;
  }
}
