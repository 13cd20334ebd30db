import { formatReference, OrlopError } from "@orlop/core";
import { RegistryClient, type RegistryClientOptions } from "@orlop/image/registry";
import type { ImageReference } from "../image/image-reference.ts";
import { CancelOnSignals } from "./cancel-on-signals.ts";
import { meantBy } from "./meant-by.ts";
import { checkUntagged } from "./repository-name.ts";

/**
 * A repository's images by all of its tags.
 *
 * @throws OrlopError `invalid` for what has a tag already, or is in no registry
 */
export async function allTags(
  reference: ImageReference,
  options: RegistryClientOptions,
): Promise<readonly ImageReference[]> {
  if (reference.kind !== "registry") throw new OrlopError("invalid", "--all-tags is for images in registries");
  const { tag: _, ...named } = await meantBy(reference.text);
  checkUntagged(reference.text);
  using client = new RegistryClient(options);
  using cancel = new CancelOnSignals();
  const tags = (await client.source(named).tags(cancel.signal)).toSorted();
  return tags.map((tag) => {
    const name = formatReference({ ...named, tag });
    return { kind: "registry", name, text: name };
  });
}
