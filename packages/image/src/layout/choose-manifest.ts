import {
  ANNOTATION_REF_NAME,
  type Descriptor,
  decodeIndex,
  type Index,
  MEDIA_TYPE_DOCKER_MANIFEST_LIST,
  MEDIA_TYPE_IMAGE_INDEX,
  OrlopError,
  type Platform,
} from "@orlop/core";

/** Indexes in indexes. */
const INDEX_DEPTH_MAX = 4;

const INDEX_TYPES: ReadonlySet<string> = new Set([MEDIA_TYPE_IMAGE_INDEX, MEDIA_TYPE_DOCKER_MANIFEST_LIST]);

interface ManifestChoice {
  /** Of the layout's index; absent: its only image, or the one called `latest`. */
  readonly tag: string | undefined;
  readonly platform: Platform;
  /** Content of an index within the index. */
  readonly read: (descriptor: Descriptor) => Buffer;
}

/**
 * The manifest of a layout that has the tag and suits the platform (image-index.md): of several, the first.
 *
 * @throws OrlopError
 */
export function chooseManifest(index: Index, choice: ManifestChoice): Descriptor {
  const tagged = withTag(index, choice.tag);
  for (const descriptor of tagged) {
    const found = descend(descriptor, choice, INDEX_DEPTH_MAX);
    if (found !== undefined) return found;
  }
  const { os, architecture } = choice.platform;
  const offered = tagged.flatMap((each) => (each.platform === undefined ? [] : [platformName(each.platform)]));
  const has = offered.length === 0 ? "" : `, it has ${offered.join(", ")}`;
  throw new OrlopError("not-found", `Cannot find an image for ${os}/${architecture} in the layout${has}`);
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

function descend(descriptor: Descriptor, choice: ManifestChoice, depth: number): Descriptor | undefined {
  if (descriptor.platform !== undefined && !suitsPlatform(descriptor.platform, choice.platform)) return undefined;
  if (!INDEX_TYPES.has(descriptor.mediaType)) return descriptor;
  if (depth === 0) {
    throw new OrlopError("exhausted", `Cannot read image: its indexes are nested more than ${INDEX_DEPTH_MAX} deep`);
  }
  // Attestations are listed beside images, for the platform unknown/unknown, which suits nobody.
  for (const manifest of decodeIndex(choice.read(descriptor)).manifests) {
    const found = descend(manifest, choice, depth - 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A variant only tells apart what an older processor cannot run, which images name only where they need it. */
export function suitsPlatform(offered: Platform, wanted: Platform): boolean {
  return (
    offered.os === wanted.os &&
    offered.architecture === wanted.architecture &&
    (offered.variant === undefined || wanted.variant === undefined || offered.variant === wanted.variant)
  );
}

export function platformName({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant === undefined ? [] : [variant])].join("/");
}
