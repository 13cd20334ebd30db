import { OrlopError, type Snapshotter, type SnapshotUsage } from "@orlop/core";

/** Snapshots on top of each other; overlayfs takes fewer. */
const LAYERS_MAX = 1000;

/** Bytes on the disk of a snapshot and all below it, the lowest first; none where one of them is gone. */
export async function chainUsage(snapshotter: Snapshotter, top: string): Promise<readonly number[]> {
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
