import {
  type ContentStore,
  type Descriptor,
  type Digest,
  decodeImageConfig,
  formatPlatform,
  type ImageConfig,
  OrlopError,
  type Platform,
} from "@orlop/core";
import { chainIds } from "./chain-ids.ts";
import { imageParts } from "./image-parts.ts";
import { isRunnable } from "./is-runnable.ts";
import { readDocument } from "./store-source.ts";

/** An image of the content store for one platform. */
export interface StoredImage {
  readonly manifest: Descriptor;
  /** Its digest is what people call the image's id. */
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly content: ImageConfig;
  /** Of the whole root file system; absent where there are no layers. */
  readonly chainId?: Digest;
}

const READ_MAX = 64;
/** What was read of each store last. */
const read = new WeakMap<ContentStore, Map<string, StoredImage>>();

/**
 * What was read and verified before is taken from memory as long as the store has the target, with which all other documents are
 * kept: a start of a container is short enough to notice.
 *
 * @throws OrlopError `not-found` where it has nothing for the platform, or a part of it is not there; `unsupported` for an artifact
 * that is no image
 */
export async function readStoredImage(
  store: ContentStore,
  target: Descriptor,
  platform: Platform,
): Promise<StoredImage> {
  const known = read.get(store) ?? new Map<string, StoredImage>();
  read.set(store, known);
  const key = `${target.digest} ${target.size} ${target.mediaType} ${formatPlatform(platform)}`;
  const before = known.get(key);
  if (before !== undefined && (await store.has(target.digest))) return isOf(target, before);
  const found = await readImage(store, target, platform);
  // It becomes the last one.
  known.delete(key);
  known.set(key, found);
  const [first] = known.size > READ_MAX ? known.keys() : [];
  if (first !== undefined) known.delete(first);
  return found;
}

/** Descriptors of the same content may say different things of it. */
function isOf(target: Descriptor, image: StoredImage): StoredImage {
  return image.manifest.digest === target.digest ? { ...image, manifest: target } : image;
}

async function readImage(store: ContentStore, target: Descriptor, platform: Platform): Promise<StoredImage> {
  const parts = await imageParts((descriptor) => readDocument(store, descriptor), target, { platform });
  const part = parts.find(({ manifest }) => manifest !== undefined);
  if (part?.manifest === undefined) {
    throw new OrlopError("not-found", `Cannot read image "${target.digest}": it has no manifest`);
  }
  const { config, layers, artifactType = config.mediaType } = part.manifest;
  if (!isRunnable(part.manifest)) {
    const what = `it is an artifact of type "${artifactType}", which has no root file system`;
    throw new OrlopError("unsupported", `Cannot use image: ${what}`);
  }
  const content = decodeImageConfig(await readDocument(store, config));
  const chainId = chainIds(content.rootfs.diff_ids).at(-1);
  return { manifest: part.descriptor, config, layers, content, ...(chainId === undefined ? {} : { chainId }) };
}
