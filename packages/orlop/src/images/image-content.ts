import {
  type ContentStore,
  type Descriptor,
  type Digest,
  decodeImageConfig,
  decodeIndex,
  decodeManifest,
  formatPlatform,
  type ImageConfig,
  type ImageRecord,
  LABEL_GC_REF_SNAPSHOT,
  type Manifest,
  OrlopError,
  type Platform,
  platformRank,
} from "@orlop/core";
import { INDEX_DEPTH_MAX, isAttestation, isIndex, isRunnable, nestedTooDeep, readDocument } from "@orlop/image";

/** Of all indexes of an image together. */
const MANIFESTS_MAX = 1000;

/** What the store holds of an image for one platform. */
export interface ImageContent {
  /** Of the config: the image's id. */
  readonly id: Digest;
  readonly manifest: Manifest;
  /** The manifest's own, and what it names. */
  readonly blobs: readonly Descriptor[];
  /** Absent for an artifact that is no image. */
  readonly config?: ImageConfig;
  /** The uppermost layer's snapshots, by the names of their snapshotters. */
  readonly snapshots: readonly SnapshotKey[];
}

interface SnapshotKey {
  readonly snapshotter: string;
  readonly key: string;
}

/**
 * What a record refers to for a platform. An index is there as a whole, and of its manifests those that were pulled: unless
 * it has to be `strictly` this platform, another one stands in for one that is not there.
 *
 * @throws OrlopError `not-found` where nothing is there for the platform
 */
export async function readImageContent(
  content: ContentStore,
  { name, target }: Pick<ImageRecord, "name" | "target">,
  platform: Platform,
  strictly = false,
): Promise<ImageContent> {
  let best: { readonly rank: number; readonly image: ImageContent } | undefined;
  const manifests = await heldManifests(content, target);
  for (const descriptor of manifests) {
    const image = await readManifest(content, descriptor);
    const offered = descriptor.platform ?? image.config;
    const suits = offered === undefined ? undefined : platformRank(offered, platform);
    if (suits === undefined && strictly) continue;
    const rank = suits ?? Number.MAX_SAFE_INTEGER;
    if (best === undefined || rank < best.rank) best = { rank, image };
  }
  if (best !== undefined) return best.image;
  const what = manifests.length === 0 ? "its manifest is not there" : `it has nothing for ${formatPlatform(platform)}`;
  throw new OrlopError("not-found", `Cannot read image "${name}": ${what}`);
}

/** The manifests of an image that are in the store, without attestations. */
async function heldManifests(content: ContentStore, target: Descriptor): Promise<readonly Descriptor[]> {
  const found = new Map<Digest, Descriptor>();
  const visit = async (descriptor: Descriptor, depth: number): Promise<void> => {
    if (found.has(descriptor.digest) || isAttestation(descriptor)) return;
    if (!(await content.has(descriptor.digest))) return;
    if (!isIndex(descriptor)) {
      if (found.size >= MANIFESTS_MAX) {
        throw new OrlopError("exhausted", `Cannot read image: it has more than ${MANIFESTS_MAX} manifests`);
      }
      found.set(descriptor.digest, descriptor);
      return;
    }
    if (depth === 0) throw nestedTooDeep();
    for (const child of decodeIndex(await readDocument(content, descriptor)).manifests) await visit(child, depth - 1);
  };
  await visit(target, INDEX_DEPTH_MAX);
  return [...found.values()];
}

async function readManifest(content: ContentStore, descriptor: Descriptor): Promise<ImageContent> {
  const manifest = decodeManifest(await readDocument(content, descriptor));
  const { digest } = manifest.config;
  const isHeld = await content.has(digest);
  const config =
    isRunnable(manifest) && isHeld ? decodeImageConfig(await readDocument(content, manifest.config)) : undefined;
  const labels = isHeld ? (await content.info(digest)).labels : {};
  const prefix = `${LABEL_GC_REF_SNAPSHOT}.`;
  const snapshots = Object.entries(labels)
    .filter(([label]) => label.startsWith(prefix))
    .map(([label, key]) => ({ snapshotter: label.slice(prefix.length), key }));
  const blobs = [descriptor, manifest.config, ...manifest.layers];
  return { id: digest, manifest, blobs, snapshots, ...(config === undefined ? {} : { config }) };
}
