import {
  type ContentStore,
  type Descriptor,
  decodeIndex,
  decodeManifest,
  type ImageRecord,
  OrlopError,
  parseReference,
  type Reference,
} from "@orlop/core";
import { readDocument } from "../transfer/store-source.ts";
import { isIndexType } from "./manifest-document.ts";

/** More images are not looked at: what is not found is sent. */
const IMAGES_MAX = 500;
const CANDIDATES_MAX = 3;
const DEPTH_MAX = 8;

/**
 * Tells from which repositories of a registry a blob may be mounted: those that images of this machine came from or were
 * pushed to, by their names.
 */
export async function mountSources(
  content: ContentStore,
  images: readonly ImageRecord[],
  { registry, repository }: Reference,
): Promise<(descriptor: Descriptor) => readonly string[]> {
  const sources = new Map<string, Set<string>>();
  for (const { name, target } of images.slice(0, IMAGES_MAX)) {
    const other = registryName(name);
    if (other === undefined || other.registry !== registry || other.repository === repository) continue;
    for (const digest of await blobsOf(content, target, 0)) {
      const known = sources.get(digest) ?? new Set<string>();
      sources.set(digest, known.add(other.repository));
    }
  }
  return ({ digest }) => [...(sources.get(digest) ?? [])].slice(0, CANDIDATES_MAX);
}

/** Undefined for images that have another kind of name. */
function registryName(name: string): Reference | undefined {
  try {
    return parseReference(name);
  } catch {
    return undefined;
  }
}

/** What of an image is here; of an index often one image alone is. */
async function blobsOf(content: ContentStore, target: Descriptor, depth: number): Promise<readonly string[]> {
  let document: Buffer;
  try {
    document = await readDocument(content, target);
  } catch (error) {
    if (error instanceof OrlopError && error.code === "not-found") return [];
    throw error;
  }
  if (!isIndexType(target.mediaType)) {
    const { config, layers } = decodeManifest(document);
    return [config.digest, ...layers.map(({ digest }) => digest)];
  }
  if (depth >= DEPTH_MAX) return [];
  const members = decodeIndex(document).manifests.map((each) => blobsOf(content, each, depth + 1));
  return (await Promise.all(members)).flat();
}
