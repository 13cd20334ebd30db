import {
  ANNOTATION_REF_NAME,
  type Descriptor,
  decodeIndex,
  formatPlatform,
  type Index,
  OrlopError,
  type Platform,
} from "@orlop/core";
import {
  INDEX_DEPTH_MAX,
  isIndex,
  membersForPlatform,
  nestedTooDeep,
  offeredPlatforms,
} from "./members-for-platform.ts";

interface ManifestChoice {
  /** Of the layout's index; absent: its only image, or the one called `latest`. */
  readonly tag: string | undefined;
  readonly platform: Platform;
  /** Content of an index within the index. */
  readonly read: (descriptor: Descriptor) => Buffer;
}

/**
 * The manifest of a layout that has the tag and suits the platform best.
 *
 * @throws OrlopError
 */
export function chooseManifest(index: Index, choice: ManifestChoice): Descriptor {
  const tagged = withTag(index, choice.tag);
  const found = descend(tagged, choice, INDEX_DEPTH_MAX);
  if (found !== undefined) return found;
  const wanted = formatPlatform(choice.platform);
  throw new OrlopError("not-found", `Cannot find an image for ${wanted} in the layout${offeredPlatforms(tagged)}`);
}

function withTag({ manifests }: Index, tag: string | undefined): readonly Descriptor[] {
  const tagOf = (descriptor: Descriptor): string | undefined => descriptor.annotations?.[ANNOTATION_REF_NAME];
  const tags = [...new Set(manifests.flatMap((each) => tagOf(each) ?? []))];
  const wanted = tag ?? (tags.length > 1 ? "latest" : tags[0]);
  const found = wanted === undefined ? manifests : manifests.filter((each) => tagOf(each) === wanted);
  if (found.length > 0) return found;
  if (manifests.length === 0) throw new OrlopError("not-found", "Cannot find an image in the layout: it is empty");
  const what =
    tag === undefined
      ? "Cannot choose an image of the layout: it has several"
      : `Cannot find image "${tag}" in the layout`;
  const known = tags.length === 0 ? "its images have no tags" : `its tags are ${tags.join(", ")}`;
  throw new OrlopError("not-found", `${what}; ${known}\nTry oci:PATH:TAG.`);
}

function descend(members: readonly Descriptor[], choice: ManifestChoice, depth: number): Descriptor | undefined {
  for (const { descriptor } of membersForPlatform(members, choice.platform)) {
    if (!isIndex(descriptor)) return descriptor;
    if (depth === 0) throw nestedTooDeep();
    const found = descend(decodeIndex(choice.read(descriptor)).manifests, choice, depth - 1);
    if (found !== undefined) return found;
  }
  return undefined;
}
