import { formatReference, type ImageRecord, OrlopError, parseIdPrefix, shortId } from "@orlop/core";
import { asReference, nameOf, repositoryOf } from "./image-name.ts";
import type { ImageShelf } from "./image-verb.ts";
import { type Image, listImages } from "./list-images.ts";

/** An image that somebody has named, and how. */
export interface FoundImage {
  readonly image: Image;
  /** What was named: one of its names, or its id, and then all names. */
  readonly named: "name" | "id";
  /** The record of the name, or, of an id, the first. */
  readonly record: ImageRecord;
}

/**
 * The image that a text means: a name, in full or as people write it; a repository and a digest; or the beginning of an id,
 * 1 to 64 hex digits. Names go before ids.
 *
 * @throws OrlopError `not-found`; `conflict` for the beginning of several ids
 */
export async function findImage(shelf: ImageShelf, text: string): Promise<FoundImage> {
  return findAmong(await listImages(shelf), text);
}

/** The same among images that have been listed. */
export function findAmong(images: readonly Image[], text: string): FoundImage {
  for (const image of images) {
    const record = image.records.find((each) => isNamed(each, text));
    if (record !== undefined) return { image, named: "name", record };
  }
  const found = byId(images, text);
  const [image] = found;
  if (found.length > 1) {
    const ids = found.map(({ id }) => shortId(id)).join(", ");
    const what = `${found.length} images have ids that begin so, ${ids}`;
    throw new OrlopError("conflict", `Cannot choose image "${text}": ${what}\nTry more digits.`);
  }
  const record = image?.records[0];
  if (image !== undefined && record !== undefined) return { image, named: "id", record };
  const shown = text.length <= 200 ? text : `${text.slice(0, 200)}...`;
  throw new OrlopError("not-found", `Cannot find image ${JSON.stringify(shown)}: no such image`);
}

function isNamed(record: ImageRecord, text: string): boolean {
  if (record.name === text) return true;
  const wanted = asReference(text);
  if (wanted === undefined) return false;
  if (wanted.digest === undefined || wanted.tag === undefined) {
    if (record.name === formatReference(wanted)) return true;
  }
  const has = nameOf(record);
  if (wanted.digest === undefined || has === undefined) return false;
  const isRepository = repositoryOf(has) === repositoryOf(wanted);
  return isRepository && record.target.digest === wanted.digest && (wanted.tag ?? has.tag) === has.tag;
}

function byId(images: readonly Image[], text: string): readonly Image[] {
  const prefix = idPrefix(text);
  if (prefix === undefined) return [];
  const begins = (digest: string): boolean => digest.slice(digest.indexOf(":") + 1).startsWith(prefix);
  const found = images.filter(({ id }) => begins(id));
  if (found.length > 0) return found;
  // What names refer to is another digest, which registries and builders tell.
  return images.filter(({ records }) => records.some(({ target }) => begins(target.digest)));
}

function idPrefix(text: string): string | undefined {
  try {
    return parseIdPrefix(text);
  } catch (error) {
    if (error instanceof OrlopError && error.code === "invalid") return undefined;
    throw error;
  }
}
