import { type Digest, OrlopError, type Snapshotter, type SnapshotUsage } from "@orlop/core";
import type { ImageContent } from "./image-content.ts";
import type { ImageShelf } from "./image-verb.ts";

/** Snapshots on top of each other; overlayfs takes fewer. */
const LAYERS_MAX = 1000;

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
  return top === undefined ? [] : await chainSizes(snapshotter, top.key);
}

async function chainSizes(snapshotter: Snapshotter, top: string): Promise<readonly number[]> {
  const sizes: number[] = [];
  let key: string | undefined = top;
  while (key !== undefined && sizes.length < LAYERS_MAX) {
    const found = await unlessGone(snapshotter, key);
    if (found === undefined) return [];
    sizes.unshift(found.usage.sizeBytes);
    key = found.parent;
  }
  return sizes;
}

async function unlessGone(
  snapshotter: Snapshotter,
  key: string,
): Promise<{ readonly usage: SnapshotUsage; readonly parent: string | undefined } | undefined> {
  try {
    return { usage: await snapshotter.usage(key), parent: (await snapshotter.stat(key)).parent };
  } catch (error) {
    // Not unpacked yet, or removed meanwhile.
    if (error instanceof OrlopError && error.code === "not-found") return undefined;
    throw error;
  }
}
