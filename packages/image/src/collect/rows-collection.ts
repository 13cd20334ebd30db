import type { Digest } from "@orlop/core";
import type { BlobRemoval } from "../store/blob-removal.ts";
import type { CollectionPoint } from "./collection-point.ts";
import { diskBytesOf, snapshotsOf } from "./disk-bytes.ts";
import type { ReferenceNode } from "./reference-graph.ts";
import type { RemovedThing } from "./removed-thing.ts";
import { type CollectedStore, type StoreView, viewStore } from "./store-view.ts";

/** A batch of garbage with what is needed to remove it at once. */
interface Batch extends AsyncDisposable {
  readonly ids: ReadonlySet<string>;
  readonly blobs: BlobRemoval;
  /** Of snapshots, by ids. */
  readonly diskBytes: ReadonlyMap<string, number>;
}

/**
 * Removes the blobs and snapshots that nothing leads to, in transactions of which each removes only what is garbage as it
 * sees the store: it looks again when anybody has changed anything since the last look.
 *
 * Whatever refers to something goes before it, also where transactions follow each other or are cut off: who finds an object
 * there finds all that it refers to.
 */
export class RowsCollection {
  readonly #parts: CollectedStore;
  readonly #batch: number;
  readonly #removed: RemovedThing[] = [];
  #view: StoreView;

  /** @param batch so much is removed at once */
  constructor(parts: CollectedStore, batch: number) {
    this.#parts = parts;
    this.#batch = batch;
    this.#view = viewStore(parts);
  }

  /** What is garbage now. */
  async list(): Promise<readonly RemovedThing[]> {
    const things: RemovedThing[] = [];
    for (const node of this.#view.garbage)
      things.push(removedThing(node, await diskBytesOf(this.#parts, node.resource)));
    return things;
  }

  async remove(reach: (point: CollectionPoint) => Promise<void>): Promise<readonly RemovedThing[]> {
    while (this.#view.garbage.length > 0) {
      await reach("open files");
      await using batch = await this.#open(this.#view.garbage.slice(0, this.#batch));
      await reach("remove rows");
      // A power cut may bring back rows without files, which nobody takes for blobs, and which are garbage then as now.
      this.#parts.store.database.transaction(() => this.#removeBatch(batch), { durable: false });
    }
    return this.#removed;
  }

  async #open(nodes: readonly ReferenceNode[]): Promise<Batch> {
    const digests = nodes.flatMap(({ resource }) => (resource.kind === "content" ? [resource.digest as Digest] : []));
    const diskBytes = new Map<string, number>();
    for (const { id, resource } of nodes) {
      if (resource.kind === "snapshot") diskBytes.set(id, await diskBytesOf(this.#parts, resource));
    }
    const blobs = await this.#parts.store.content.removal(digests);
    const ids = new Set(nodes.map(({ id }) => id));
    return { ids, blobs, diskBytes, [Symbol.asyncDispose]: () => blobs[Symbol.asyncDispose]() };
  }

  #removeBatch(batch: Batch): void {
    const { database } = this.#parts.store;
    if (database.version() !== this.#view.version) this.#view = viewStore(this.#parts);
    const { garbage } = this.#view;
    const left: ReferenceNode[] = [];
    // What garbage that stays for now refers to.
    const blocked = new Set<string>();
    let waiting = batch.ids.size;
    let next = 0;
    for (; waiting > 0 && next < garbage.length; next++) {
      const node = garbage[next] as ReferenceNode;
      if (batch.ids.has(node.id)) waiting--;
      if (batch.ids.has(node.id) && !blocked.has(node.id)) {
        this.#removeNode(node, batch);
        continue;
      }
      left.push(node);
      for (const id of node.references) blocked.add(id);
    }
    this.#view = { ...this.#view, garbage: [...left, ...garbage.slice(next)], version: database.version() };
  }

  #removeNode(node: ReferenceNode, batch: Batch): void {
    const { resource } = node;
    if (resource.kind === "snapshot") {
      snapshotsOf(this.#parts, resource.snapshotter).forget(resource.key);
      this.#removed.push(removedThing(node, batch.diskBytes.get(node.id) ?? 0));
    } else {
      this.#removed.push(removedThing(node, batch.blobs.remove(resource.digest as Digest) ?? 0));
    }
  }
}

function removedThing({ resource }: ReferenceNode, diskBytes: number): RemovedThing {
  if (resource.kind === "content") return { kind: "content", name: resource.digest, diskBytes };
  return { kind: "snapshot", name: resource.key, snapshotter: resource.snapshotter, diskBytes };
}
