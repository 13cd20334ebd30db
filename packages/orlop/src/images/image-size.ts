import type { Digest } from "@orlop/core";
import { chainUsage } from "./chain-usage.ts";
import type { ImageContent } from "./image-content.ts";
import type { ImageShelf } from "./image-verb.ts";

/** What an image takes on the disk, in bytes: its blobs that are there, and the snapshots that were made of it. */
export async function imageSize(shelf: ImageShelf, image: ImageContent): Promise<number> {
  const sizes = new Map<Digest, number>();
  for (const { digest, size } of image.blobs) if (await shelf.content.has(digest)) sizes.set(digest, size);
  const layers = await snapshotSizes(shelf, image);
  return [...sizes.values(), ...layers].reduce((sum, size) => sum + size, 0);
}

/** Of each snapshot of the image that this machine's snapshotter has, the lowest first. */
export async function snapshotSizes(shelf: ImageShelf, { snapshots }: ImageContent): Promise<readonly number[]> {
  if (snapshots.length === 0) return [];
  const snapshotter = await shelf.snapshotter();
  const top = snapshots.find((each) => each.snapshotter === snapshotter.name);
  return top === undefined ? [] : await chainUsage(snapshotter, top.key);
}
