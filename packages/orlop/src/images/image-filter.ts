import { familiarReference, type ImageRecord, OrlopError } from "@orlop/core";
import { hasLabel } from "../format/has-label.ts";
import { findAmong } from "./find-image.ts";
import { familiarRepository, isNameless, nameOf, repositoryOf } from "./image-name.ts";
import type { Image } from "./list-images.ts";
import { pathPattern } from "./path-pattern.ts";
import { parsePointInTime } from "./point-in-time.ts";

const FILTERS = ["before", "dangling", "label", "label!", "reference", "since", "until"] as const;
type FilterName = (typeof FILTERS)[number];

/** Conditions of `--filter name=value`, by their names. */
type ImageFilters = Readonly<Partial<Record<FilterName, readonly string[]>>>;

/** @throws OrlopError `invalid` */
export function parseImageFilters(texts: readonly string[]): ImageFilters {
  const filters: Partial<Record<FilterName, readonly string[]>> = {};
  for (const text of texts) {
    const equals = text.indexOf("=");
    if (equals < 0) throw refused(text, "it is not of the form name=value");
    const given = text.slice(0, equals).trim().toLowerCase();
    const name = FILTERS.find((each) => each === given);
    if (name === undefined) throw refused(text, `there are ${FILTERS.join(", ")}`);
    filters[name] = [...(filters[name] ?? []), text.slice(equals + 1).trim()];
  }
  return filters;
}

/**
 * The images that suit all conditions, and of their names those that were asked for.
 *
 * @throws OrlopError `invalid`, `not-found` for an image to compare with
 */
export function filterImages(images: readonly Image[], filters: ImageFilters, nowMs: number): readonly Image[] {
  const { label = [], "label!": without = [], reference, before = [], since = [], until = [] } = filters;
  const dangling = filters.dangling?.map(parseSwitch).at(-1);
  const patterns = reference?.map(pathPattern);
  const age = (text: string): number => findAmong(images, text).image.createdAtMs ?? 0;
  const latest = [...before.map(age), ...until.map((text) => parsePointInTime(text, nowMs))];
  const earliest = since.map(age);
  return images
    .filter(({ records }) => dangling === undefined || dangling === records.every(isNameless))
    .filter(
      ({ createdAtMs = 0 }) =>
        latest.every((time) => createdAtMs < time) && earliest.every((time) => createdAtMs > time),
    )
    .filter((image) => {
      const labels = image.content?.config?.config?.Labels ?? {};
      return label.every((each) => hasLabel(labels, each)) && !without.some((each) => hasLabel(labels, each));
    })
    .map((image) => (patterns === undefined ? image : { ...image, records: matching(image.records, patterns) }))
    .filter(({ records }) => records.length > 0);
}

function parseSwitch(text: string): boolean {
  if (/^(?:1|t|true)$/i.test(text)) return true;
  if (/^(?:0|f|false)$/i.test(text)) return false;
  throw refused(`dangling=${text}`, "it is a switch, true or false");
}

/** A pattern is for the repository or for the whole name, as people write them or in full. */
function matching(records: readonly ImageRecord[], patterns: readonly RegExp[]): readonly ImageRecord[] {
  return records.filter((record) => {
    const name = nameOf(record);
    if (name === undefined) return false;
    const spellings = [familiarReference(name), familiarRepository(name), record.name, repositoryOf(name)];
    return patterns.some((pattern) => spellings.some((spelling) => pattern.test(spelling)));
  });
}

function refused(text: string, problem: string): OrlopError {
  return new OrlopError("invalid", `Cannot use filter ${JSON.stringify(text)}: ${problem}`);
}
