import {
  type Descriptor,
  type Digest,
  MEDIA_TYPE_IMAGE_INDEX,
  OrlopError,
  parseReference,
  stringifyJson,
} from "@orlop/core";
import { fullName, type ImageNames, namesOf, withoutNames } from "./image-names.ts";
import { sha256Digest } from "./verify-content.ts";

/** An image of a layout or an archive. */
export interface NamedTarget extends ImageNames {
  readonly target: Descriptor;
}

/** What is made of the members of an `index.json`. */
interface NamedTargets {
  readonly targets: readonly NamedTarget[];
  /** Documents that stand nowhere. */
  readonly made: ReadonlyMap<Digest, Buffer>;
}

/**
 * The images of a layout's index. Members that have the same name, or all of them no name, and are for different platforms
 * are one image: an index is made for them, the same for the same members.
 */
export function namedTargets(members: readonly Descriptor[]): NamedTargets {
  const groups = Map.groupBy(members, ({ annotations }) => JSON.stringify(namesOf(annotations)));
  const made = new Map<Digest, Buffer>();
  const targets = [...groups.values()].flatMap((group): readonly NamedTarget[] => {
    const names = namesOf(group[0]?.annotations);
    const different = [...new Map(group.map((each) => [each.digest, withoutNames(each)])).values()];
    const [first, ...more] = different;
    if (first === undefined) return [];
    if (more.length === 0) return [{ target: first, ...names }];
    if (different.every(({ platform }) => platform !== undefined)) {
      return [{ target: makeIndex(different, made), ...names }];
    }
    // Of several of one name the first counts (image-layout.md, "Index"); without a name each is an image.
    const isNamed = Object.keys(names).length > 0;
    return isNamed ? [{ target: first, ...names }] : different.map((target) => ({ target }));
  });
  return { targets, made };
}

function makeIndex(manifests: readonly Descriptor[], made: Map<Digest, Buffer>): Descriptor {
  const content = { schemaVersion: 2, mediaType: MEDIA_TYPE_IMAGE_INDEX, manifests };
  return makeDocument(content, MEDIA_TYPE_IMAGE_INDEX, made);
}

/** Adds a document, and gives its descriptor. */
export function makeDocument(content: object, mediaType: string, made: Map<Digest, Buffer>): Descriptor {
  return documentOf(Buffer.from(stringifyJson(content)), mediaType, made);
}

/** The same of one that is encoded already. */
export function documentOf(bytes: Buffer, mediaType: string, made: Map<Digest, Buffer>): Descriptor {
  const digest = sha256Digest(bytes);
  made.set(digest, bytes);
  return { mediaType, digest, size: bytes.length };
}

/** Names in an error message. */
const SHOWN_MAX = 20;

/**
 * The image that somebody means: by what it is called there, by its full name or any shorter form of that, by its tag, or
 * by `@` and its digest. `wanted` absent: the only one, or the one called `latest`. `where` is for errors.
 *
 * @throws OrlopError `not-found`
 */
export function findTarget(targets: readonly NamedTarget[], wanted: string | undefined, where: string): NamedTarget {
  if (targets.length === 0) throw new OrlopError("not-found", `Cannot find an image in ${where}: it is empty`);
  const [only] = targets;
  if (wanted === undefined && only !== undefined && new Set(targets.map(digestOf)).size === 1) return only;
  for (const means of meanings(wanted ?? "latest")) {
    const found = targets.filter(means);
    const [first] = found;
    if (first !== undefined && new Set(found.map(digestOf)).size === 1) return first;
    if (first !== undefined)
      throw notChosen(`Cannot choose an image of ${where}: several are "${wanted ?? "latest"}"`, found);
  }
  const what =
    wanted === undefined
      ? `Cannot choose an image of ${where}: it has several`
      : `Cannot find image "${wanted}" in ${where}`;
  throw notChosen(what, targets);
}

function digestOf({ target }: NamedTarget): Digest {
  return target.digest;
}

function meanings(wanted: string): readonly ((target: NamedTarget) => boolean)[] {
  const full = fullName(wanted);
  return [
    ({ label }) => label === wanted,
    ({ name }) => name !== undefined && name === full,
    ({ name }) => name !== undefined && parseReference(name).tag === wanted,
    ({ target }) => `@${target.digest}` === wanted,
  ];
}

function notChosen(what: string, targets: readonly NamedTarget[]): OrlopError {
  const names = targets.flatMap(({ name, label }) => name ?? label ?? []);
  const shown = names.length > SHOWN_MAX ? [...names.slice(0, SHOWN_MAX), "..."] : names;
  const known = names.length === 0 ? "its images have no names" : `there are ${shown.join(", ")}`;
  const example = names[0] ?? `@${targets[0]?.target.digest}`;
  return new OrlopError("not-found", `${what}; ${known}\nTry one of them, such as ${example}, behind the path.`);
}
