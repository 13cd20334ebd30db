import { OrlopError } from "@orlop/core";
import { diskUsage } from "@orlop/image";
import { filterImages, parseImageFilters } from "../images/image-filter.ts";
import { asDigest } from "../images/image-name.ts";
import { type Image, listImages } from "../images/list-images.ts";
import type { GcCall } from "./gc-verb.ts";

const FILTERS: ReadonlySet<string> = new Set(["label", "label!", "until"]);

/** @throws OrlopError `invalid` for a filter that prune does not have */
export function imagePruneFilters(texts: readonly string[]): ReturnType<typeof parseImageFilters> {
  const filters = parseImageFilters(texts);
  const other = Object.keys(filters).find((name) => !FILTERS.has(name));
  if (other === undefined) return filters;
  throw new OrlopError("invalid", `Cannot use filter "${other}": there are label and until`);
}

/**
 * Scripts say `dangling=true`, which is what is pruned in any case.
 *
 * @returns the other filters
 * @throws OrlopError `invalid` where that is not what is meant
 */
export function withoutDangling(texts: readonly string[], isAll: boolean): readonly string[] {
  const others = texts.filter((text) => !text.startsWith("dangling="));
  const [asked] = texts.filter((text) => text.startsWith("dangling=") && !/=(?:1|t|true)$/i.test(text));
  if (asked !== undefined) throw new OrlopError("invalid", `Cannot use filter "${asked}": that is --all`);
  if (isAll && others.length < texts.length) {
    throw new OrlopError("invalid", 'Cannot use filter "dangling=true": it is the opposite of --all');
  }
  return others;
}

/** Images without a name, or, where all are asked for, those that no container uses; as far as they suit the filters. */
export async function prunableImages(
  { shelf, flags, nowMs }: GcCall,
  filters: readonly string[] = flags.list("filter"),
): Promise<readonly Image[]> {
  const images = filterImages(await listImages(shelf), imagePruneFilters(filters), nowMs);
  const usage = await diskUsage(await shelf.parts());
  const active = new Set(usage.images.flatMap(({ isActive, target }) => (isActive ? [target] : [])));
  const isUnused = ({ records }: Image): boolean => records.every(({ target }) => !active.has(target.digest));
  const isDangling = ({ records }: Image): boolean => records.every(({ name }) => asDigest(name) !== undefined);
  return images.filter((image) => isUnused(image) && (flags.isOn("all") || isDangling(image)));
}
