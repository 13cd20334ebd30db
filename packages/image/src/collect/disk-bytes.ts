import { type Digest, type LeaseResource, OrlopError } from "@orlop/core";
import type { CollectableSnapshots } from "./collectable-snapshots.ts";
import type { CollectedStore } from "./store-view.ts";

/** What a blob or a snapshot takes on the disk (st_blocks), without what it refers to; nothing for one that is gone. */
export async function diskBytesOf(parts: CollectedStore, resource: LeaseResource): Promise<number> {
  if (resource.kind === "content") return parts.store.content.diskBytes(resource.digest as Digest);
  try {
    return (await snapshotsOf(parts, resource.snapshotter).usage(resource.key)).sizeBytes;
  } catch (error) {
    if (error instanceof OrlopError && error.code === "not-found") return 0;
    throw error;
  }
}

export function snapshotsOf({ snapshots }: CollectedStore, name: string): CollectableSnapshots {
  const found = snapshots.find((each) => each.name === name);
  if (found === undefined) throw new Error(`there is no snapshotter "${name}"`);
  return found;
}
