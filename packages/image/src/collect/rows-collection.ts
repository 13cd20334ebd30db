import type { Digest } from "@orlop/core";
import type { BlobRemoval } from "../store/blob-removal.ts";
import { ChangesLog } from "./changes-log.ts";
import type { CollectionPoint } from "./collection-point.ts";
import { diskBytesOf, snapshotsOf } from "./disk-bytes.ts";
import type { ReferenceNode } from "./reference-graph.ts";
import type { RemovedThing } from "./removed-thing.ts";
import { type CollectedStore, readNode, type StoreView, viewStore } from "./store-view.ts";

/** A batch of garbage with what is needed to remove it at once. */
interface Batch extends AsyncDisposable {
  readonly nodes: readonly ReferenceNode[];
  readonly blobs: BlobRemoval;
  /** Of snapshots, by ids. */
  readonly diskBytes: ReadonlyMap<string, number>;
}

/**
 * Removes the blobs and snapshots that nothing leads to, in transactions of which each removes only what is garbage as it
 * sees the store: of what it looked at once, it finds again what others have changed meanwhile, and what leads there now.
 *
 * Whatever refers to something goes before it, also where transactions follow each other or are cut off: who finds an object
 * there finds all that it refers to. What others have changed stays until the next collection, with all that it refers to.
 */
export class RowsCollection {
  readonly #parts: CollectedStore;
  readonly #batch: number;
  readonly #removed: RemovedThing[] = [];
  readonly #changes: ChangesLog;
  #view: StoreView;
  /** What of the view's garbage is there and still garbage. */
  #left: Set<string>;
  /** Before it in the view's garbage nothing is left. */
  #next = 0;
  /** The database's, when `#left` was right. */
  #version: string;

  /** @param batch so much is removed at once */
  constructor(parts: CollectedStore, batch: number) {
    this.#parts = parts;
    this.#batch = batch;
    this.#changes = new ChangesLog(parts.store.database);
    this.#view = viewStore(parts);
    this.#left = leftOf(this.#view);
    this.#version = this.#view.version;
  }

  /** What is garbage now. */
  async list(): Promise<readonly RemovedThing[]> {
    const things: RemovedThing[] = [];
    for (const node of this.#view.garbage)
      things.push(removedThing(node, await diskBytesOf(this.#parts, node.resource)));
    return things;
  }

  async remove(reach: (point: CollectionPoint) => Promise<void>): Promise<readonly RemovedThing[]> {
    if (this.#left.size === 0) return this.#removed;
    this.#begin();
    try {
      for (let nodes = this.#nextNodes(); nodes.length > 0; nodes = this.#nextNodes()) {
        await reach("open files");
        await using batch = await this.#open(nodes);
        await reach("remove rows");
        // A power cut may bring back rows without files, which nobody takes for blobs, and which are garbage then as now.
        this.#parts.store.database.transaction(() => this.#removeBatch(batch), { durable: false });
      }
    } finally {
      this.#parts.store.database.transaction(() => this.#changes.end(), { durable: false });
    }
    return this.#removed;
  }

  /** Has changes noted from now on, and looks once more where there was one before that. */
  #begin(): void {
    const { database } = this.#parts.store;
    const isOld = database.transaction(
      () => {
        const changed = database.version() !== this.#version;
        this.#changes.begin();
        this.#version = database.version();
        return changed;
      },
      { durable: false },
    );
    if (!isOld) return;
    this.#view = viewStore(this.#parts);
    this.#left = leftOf(this.#view);
    this.#version = this.#view.version;
  }

  #nextNodes(): readonly ReferenceNode[] {
    const { garbage } = this.#view;
    const nodes: ReferenceNode[] = [];
    let at = this.#next;
    for (; at < garbage.length && nodes.length < this.#batch; at++) {
      const node = garbage[at] as ReferenceNode;
      if (this.#left.has(node.id)) nodes.push(node);
    }
    this.#next = at;
    return nodes;
  }

  async #open(nodes: readonly ReferenceNode[]): Promise<Batch> {
    const digests = nodes.flatMap(({ resource }) => (resource.kind === "content" ? [resource.digest as Digest] : []));
    const diskBytes = new Map<string, number>();
    for (const { id, resource } of nodes) {
      if (resource.kind === "snapshot") diskBytes.set(id, await diskBytesOf(this.#parts, resource));
    }
    const blobs = await this.#parts.store.content.removal(digests);
    return { nodes, blobs, diskBytes, [Symbol.asyncDispose]: () => blobs[Symbol.asyncDispose]() };
  }

  #removeBatch(batch: Batch): void {
    const { database } = this.#parts.store;
    if (database.version() !== this.#version) this.#keepUsed();
    for (const node of batch.nodes) if (this.#left.delete(node.id)) this.#removeNode(node, batch);
    this.#changes.skip();
    this.#version = database.version();
  }

  /**
   * What others have changed since, and what has got a name or a lease, stays with all that it leads to. What was no garbage
   * and is the same leads to none, and is not followed.
   */
  #keepUsed(): void {
    const changed = new Set(this.#changes.read());
    const waiting = [...changed];
    const seen = new Set<string>();
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
      if (seen.has(id)) continue;
      seen.add(id);
      const isLeft = this.#left.delete(id);
      const node = changed.has(id) ? readNode(this.#parts, id) : isLeft ? this.#view.graph.get(id) : undefined;
      waiting.push(...(node?.references ?? []));
    }
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

function leftOf({ garbage }: StoreView): Set<string> {
  return new Set(garbage.map(({ id }) => id));
}

function removedThing({ resource }: ReferenceNode, diskBytes: number): RemovedThing {
  if (resource.kind === "content") return { kind: "content", name: resource.digest, diskBytes };
  return { kind: "snapshot", name: resource.key, snapshotter: resource.snapshotter, diskBytes };
}
