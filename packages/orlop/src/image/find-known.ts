import { formatReference, type ImageRecord, unlessMissing } from "@orlop/core";
import type { Depot } from "../store/open-depot.ts";

/**
 * An image that is here, by its name in full, or by what was typed: the beginning of an id, or a name that this machine's
 * configuration leads elsewhere.
 */
export async function findKnown(depot: Depot, name: string, text: string): Promise<ImageRecord | undefined> {
  // By its name at once; the rest takes longer to load than a container to start.
  const named = await unlessMissing(depot.images.get(name));
  if (named !== undefined) return named;
  if (/^[0-9a-f:]+$/.test(text.replace(/^sha256:/, ""))) {
    const { findImage } = await import("../images/find-image.ts");
    const found = await unlessMissing(findImage(depot, text));
    if (found !== undefined) return found.record;
  }
  return text === name ? undefined : await findAlias(depot, name, text);
}

/** Under the name that it gets when it comes from where this machine's configuration says. */
async function findAlias(depot: Depot, name: string, text: string): Promise<ImageRecord | undefined> {
  const { meantBy } = await import("../transfer/meant-by.ts");
  const meant = formatReference(await meantBy(text));
  return meant === name ? undefined : await unlessMissing(depot.images.get(meant));
}
