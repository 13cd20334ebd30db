import type { Digest, ImageRecord, IngestStatus, LeaseResource } from "@orlop/core";
import { diskBytesOf } from "./disk-bytes.ts";
import { resourceId } from "./references.ts";
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
  /** Of containers that have it for their root. */
  readonly containers: number;
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
  const { view, records, kept } = parts.store.database.snapshot(() => ({
    view: viewStore(parts),
    records: parts.store.images.records(),
    kept: parts.store.leases.kept(),
  }));
  const garbage = view.garbage.map(({ id }) => id);
  const idle = new Set(garbage);
  const users = new ImageUsers(view, kept, idle);
  const sizes = new Map<string, number>();
  for (const { id, resource } of view.graph.nodes()) sizes.set(id, await diskBytesOf(parts, resource));
  const sizeOf = (ids: Iterable<string>): number => [...ids].reduce((sum, id) => sum + (sizes.get(id) ?? 0), 0);
  const images = imagesOf(view, records, users);
  const owners = new Map<string, number>();
  for (const { tree } of images) for (const id of tree) owners.set(id, (owners.get(id) ?? 0) + 1);
  return {
    images: images.map(({ tree, ...facts }) => ({
      ...facts,
      sizeBytes: sizeOf(tree),
      sharedBytes: sizeOf([...tree].filter((id) => owners.get(id) !== 1)),
    })),
    imagesSum: usageSum(
      images,
      ({ isActive }) => isActive,
      (some) => sizeOf(new Set(some.flatMap(({ tree }) => [...tree]))),
    ),
    containers: usageSum([...view.writable.keys()], (id) => !idle.has(id), sizeOf),
    ingests: await ingestsSum(parts),
    garbage: await garbageSum(
      parts,
      garbage.filter((id) => !view.writable.has(id)),
      sizeOf,
    ),
  };
}

/** An image with all below it. */
interface ImageTree extends Omit<ImageUsage, "sizeBytes" | "sharedBytes"> {
  readonly tree: ReadonlySet<string>;
}

function imagesOf({ graph }: StoreView, records: readonly ImageRecord[], users: ImageUsers): readonly ImageTree[] {
  return [...Map.groupBy(records, ({ target }) => target.digest)].map(([target, named]) => {
    const tree = graph.reachable([target]);
    return { target, names: named.map(({ name }) => name), tree, ...users.of(tree) };
  });
}

/** What uses images: containers, by their snapshots that are no garbage, and transfers, by what their leases keep. */
class ImageUsers {
  readonly #graph: StoreView["graph"];
  readonly #content: ReadonlySet<string>;
  /** Snapshots, and how many containers are on top of each. */
  readonly #containers = new Map<string, number>();

  constructor({ graph, writable }: StoreView, kept: readonly LeaseResource[], idle: ReadonlySet<string>) {
    this.#graph = graph;
    this.#content = new Set(kept.map(resourceId));
    for (const [id, parent] of writable) {
      if (parent !== undefined && !idle.has(id)) this.#containers.set(parent, (this.#containers.get(parent) ?? 0) + 1);
    }
  }

  /**
   * Those of an image, given with all below it: leases that keep its manifest or its config, which no other image has, and
   * containers on its own uppermost snapshot.
   */
  of(tree: ReadonlySet<string>): Pick<ImageUsage, "isActive" | "containers"> {
    // Layers refer to nothing: others may have them too.
    const own = [...tree]
      .flatMap((id) => this.#graph.get(id) ?? [])
      .filter(({ resource, references }) => {
        return resource.kind === "content" && references.length > 0;
      });
    const tops = new Set(own.flatMap(({ references }) => references));
    const containers = [...tops].reduce((sum, id) => sum + (this.#containers.get(id) ?? 0), 0);
    return { isActive: containers > 0 || own.some(({ id }) => this.#content.has(id)), containers };
  }
}

function usageSum<T>(
  all: readonly T[],
  isActive: (each: T) => boolean,
  sizeOf: (some: readonly T[]) => number,
): UsageSum {
  const active = all.filter(isActive);
  const sizeBytes = sizeOf(all);
  return { count: all.length, active: active.length, sizeBytes, reclaimableBytes: sizeBytes - sizeOf(active) };
}

async function ingestsSum({ store }: CollectedStore): Promise<UsageSum> {
  const sizeOf = (some: readonly IngestStatus[]): number => some.reduce((sum, each) => sum + each.writtenBytes, 0);
  return usageSum(await Array.fromAsync(store.content.ingests()), ({ active }) => active, sizeOf);
}

async function garbageSum(
  { store }: CollectedStore,
  ids: readonly string[],
  sizeOf: (ids: readonly string[]) => number,
): Promise<UsageSum> {
  const files = (await store.content.leftovers()).list().filter(({ kind }) => kind === "file");
  const sizeBytes = files.reduce((sum, { diskBytes }) => sum + diskBytes, sizeOf(ids));
  return { count: ids.length + files.length, active: 0, sizeBytes, reclaimableBytes: sizeBytes };
}
