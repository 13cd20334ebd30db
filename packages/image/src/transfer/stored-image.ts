import {
  type ContentStore,
  type Descriptor,
  type Digest,
  decodeImageConfig,
  type ImageConfig,
  OrlopError,
  type Platform,
} from "@orlop/core";
import { chainIds } from "./chain-ids.ts";
import { imageParts } from "./image-parts.ts";
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

/** @throws OrlopError `not-found` where it has nothing for the platform, or a part of it is not there */
export async function readStoredImage(
  store: ContentStore,
  target: Descriptor,
  platform: Platform,
): Promise<StoredImage> {
  const parts = await imageParts((descriptor) => readDocument(store, descriptor), target, { platform });
  const part = parts.find(({ manifest }) => manifest !== undefined);
  if (part?.manifest === undefined) {
    throw new OrlopError("not-found", `Cannot read image "${target.digest}": it has no manifest`);
  }
  const { config, layers } = part.manifest;
  const content = decodeImageConfig(await readDocument(store, config));
  const chainId = chainIds(content.rootfs.diff_ids).at(-1);
  return { manifest: part.descriptor, config, layers, content, ...(chainId === undefined ? {} : { chainId }) };
}
