import type { Digest, LeaseResource } from "@orlop/core";
import { diskBytesOf } from "./disk-bytes.ts";
import { snapshotId } from "./references.ts";
import { type CollectedStore, type StoreView, viewStore } from "./store-view.ts";

/** What one image takes on the disk, with the root file systems that were made of it; several names may refer to it. */
export interface ImageUsage {
  readonly target: Digest;
  readonly names: readonly string[];
  readonly sizeBytes: number;
  /** Part of that which other images have as well. */
  readonly sharedBytes: number;
  /** A container uses it, or a transfer. */
  readonly isActive: boolean;
}

/** Things of one kind. */
export interface UsageSum {
  readonly count: number;
  /** Of them those in use. */
  readonly active: number;
  readonly sizeBytes: number;
  /** What would be given back if all went that are not in use. */
  readonly reclaimableBytes: number;
}

export interface DiskUsage {
  readonly images: readonly ImageUsage[];
  /** What images share counts once. */
  readonly imagesSum: UsageSum;
  /** Snapshots that can be written to, and views: what containers have of their own. */
  readonly containers: UsageSum;
  /** Blobs that are partly there. */
  readonly ingests: UsageSum;
  /** What the next collection removes. */
  readonly garbage: UsageSum;
}

/** What a store takes on the disk (st_blocks), and for what. */
export async function diskUsage(parts: CollectedStore): Promise<DiskUsage> {
  const { store } = parts;
  const { view, records, kept, writable } = store.database.snapshot(() => ({
    view: viewStore(parts),
    records: store.images.records(),
    kept: store.leases.kept(),
    writable: new Map(parts.snapshots.flatMap(writableSnapshots)),
  }));
  const sizes = new Map<string, number>();
  for (const { id, resource } of view.graph.nodes()) sizes.set(id, await diskBytesOf(parts, resource));
  const sizeOf = (ids: Iterable<string>): number => [...ids].reduce((sum, id) => sum + (sizes.get(id) ?? 0), 0);
  const isKept = keptImages(view, kept, writable);
  const targets = Map.groupBy(records, ({ target }) => target.digest);
  const trees = [...targets.keys()].map((target) => view.graph.reachable([target]));
  const images = [...targets].map(([target, names], index) => {
    const tree = trees[index] ?? new Set();
    const shared = [...tree].filter((id) => trees.some((other) => other !== tree && other.has(id)));
    const facts = { sizeBytes: sizeOf(tree), sharedBytes: sizeOf(shared), isActive: isKept(tree) };
    return { target, names: names.map(({ name }) => name), ...facts };
  });
  const all = new Set(trees.flatMap((tree) => [...tree]));
  const inUse = new Set(trees.flatMap((tree) => (isKept(tree) ? [...tree] : [])));
  const garbage = view.garbage.map(({ id }) => id);
  const idle = new Set(garbage);
  const containers = [...writable.keys()];
  return {
    images,
    imagesSum: {
      count: images.length,
      active: images.filter(({ isActive }) => isActive).length,
      sizeBytes: sizeOf(all),
      reclaimableBytes: sizeOf(all) - sizeOf(inUse),
    },
    containers: {
      count: containers.length,
      active: containers.filter((id) => !idle.has(id)).length,
      sizeBytes: sizeOf(containers),
      reclaimableBytes: sizeOf(containers.filter((id) => idle.has(id))),
    },
    ingests: await ingestsSum(parts),
    garbage: leftSum(
      parts,
      garbage.filter((id) => !writable.has(id)),
      sizeOf,
    ),
  };
}

/** With the snapshot that each is on top of. */
function writableSnapshots(snapshots: CollectedStore["snapshots"][number]): readonly (readonly [string, string])[] {
  const { name } = snapshots;
  return snapshots.records().flatMap(({ kind, key, parent }) => {
    if (kind === "committed") return [];
    return [[snapshotId(name, key), parent === undefined ? "" : snapshotId(name, parent)] as const];
  });
}

/**
 * Whether an image, given with all below it, is in use: a lease keeps its manifest or its config, which no other image has, or
 * a snapshot on top of its own uppermost one.
 */
function keptImages(
  { graph }: StoreView,
  kept: readonly LeaseResource[],
  writable: ReadonlyMap<string, string>,
): (tree: ReadonlySet<string>) => boolean {
  const content = new Set(kept.flatMap((each) => (each.kind === "content" ? [each.digest] : [])));
  const below = kept.map((each) => each.kind === "snapshot" && writable.get(snapshotId(each.snapshotter, each.key)));
  const roots = new Set(below.filter((id) => typeof id === "string"));
  return (tree) =>
    [...tree].some((id) => {
      const node = graph.get(id);
      // Layers refer to nothing: others may have them too.
      if (node?.resource.kind !== "content" || node.references.length === 0) return false;
      return content.has(id) || node.references.some((reference) => roots.has(reference));
    });
}

async function ingestsSum({ store }: CollectedStore): Promise<UsageSum> {
  const all = await Array.fromAsync(store.content.ingests());
  const sum = (ingests: typeof all): number => ingests.reduce((bytes, { writtenBytes }) => bytes + writtenBytes, 0);
  const idle = all.filter(({ active }) => !active);
  return {
    count: all.length,
    active: all.length - idle.length,
    sizeBytes: sum(all),
    reclaimableBytes: sum(idle),
  };
}

function leftSum(
  { store }: CollectedStore,
  ids: readonly string[],
  sizeOf: (ids: Iterable<string>) => number,
): UsageSum {
  const leftovers = store.content.leftovers().list();
  const files = leftovers.filter(({ kind }) => kind === "file");
  const sizeBytes = sizeOf(ids) + files.reduce((sum, { diskBytes }) => sum + diskBytes, 0);
  return { count: ids.length + files.length, active: 0, sizeBytes, reclaimableBytes: sizeBytes };
}
