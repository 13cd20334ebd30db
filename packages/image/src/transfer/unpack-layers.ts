import { randomBytes } from "node:crypto";
import {
  type Digest,
  type ErrorCode,
  LABEL_SNAPSHOT_REF,
  type LeaseStore,
  OrlopError,
  type Snapshotter,
} from "@orlop/core";
import { type ReadLayerOptions, readLayer, type StoredLayer } from "../layer/read-layer.ts";
import { chainIds } from "./chain-ids.ts";
import { type FetchedImage, fetchedLayerLabels } from "./fetched-layer-labels.ts";

interface UnpackingOptions {
  readonly snapshotter: Snapshotter;
  readonly diffIds: readonly Digest[];
  readonly leases: LeaseStore;
  /** Keeps the snapshots until something refers to them. */
  readonly lease: string;
  /** Keeps others, of this process and of others, from making the same at once. */
  readonly lock: (name: string) => Promise<AsyncDisposable>;
  readonly reading?: ReadLayerOptions;
  /** The snapshotter may fetch layers of it; absent: they all come from here. */
  readonly fetched?: FetchedImage | undefined;
}

export type PresentLayer = "fetched" | "unpacked";

/** A layer that came to nothing: those above have no ground to stand on. */
export class Abandoned extends Error {}

/**
 * The layers of one image on their way to become snapshots, by their chain ids. They are applied in any order, and side by
 * side where the snapshotter can put them on top of each other afterwards.
 */
export class LayersUnpacking {
  /** Of the uppermost layer: the image's root file system. Undefined for an image without layers. */
  readonly chainId: Digest | undefined;
  readonly #options: UnpackingOptions;
  readonly #chain: readonly Digest[];
  /** For each layer, whether it is a committed snapshot; settled by `unpack` of that layer. */
  readonly #committed: readonly PromiseWithResolvers<void>[];
  /** For each layer, whether the snapshotter has fetched it, and all below it; settled by `fetch` of that layer. */
  readonly #fetched: readonly PromiseWithResolvers<boolean>[];

  constructor(options: UnpackingOptions) {
    this.#options = options;
    this.#chain = chainIds(options.diffIds);
    this.chainId = this.#chain.at(-1);
    this.#committed = this.#chain.map(() => Promise.withResolvers<void>());
    this.#fetched = this.#chain.map(() => Promise.withResolvers<boolean>());
    // Nobody waits for the uppermost one, or for one whose neighbour has failed already.
    for (const { promise } of this.#committed) promise.catch(() => {});
  }

  /** Layers may be applied before those below are. */
  get isParallel(): boolean {
    return this.#options.snapshotter.rebases;
  }

  diffId(index: number): Digest {
    return this.#options.diffIds[index] as Digest;
  }

  /** Whether the snapshot of a layer is there, and who has made it: the snapshotter alone, or from a layer. It is kept from now on. */
  async find(index: number): Promise<PresentLayer | undefined> {
    const { snapshotter, leases, lease } = this.#options;
    const key = this.#name(index);
    await leases.add(lease, { kind: "snapshot", snapshotter: snapshotter.name, key });
    try {
      const { kind, labels } = await snapshotter.stat(key);
      if (kind !== "committed") return undefined;
      return LABEL_SNAPSHOT_REF in labels ? "fetched" : "unpacked";
    } catch (error) {
      if (hasCode(error, "not-found")) return undefined;
      throw error;
    }
  }

  /**
   * Whether the snapshotter has fetched a layer, or does so now: nobody else need bring it then. It is asked for layers on top
   * of those that it has fetched itself.
   */
  async fetch(index: number): Promise<boolean> {
    const { fetched, snapshotter } = this.#options;
    let found = false;
    try {
      const isAsked = fetched !== undefined && snapshotter.fetches === true;
      if (isAsked && (index === 0 || (await this.#fetched[index - 1]?.promise)))
        found = await this.#fetch(index, fetched);
    } finally {
      this.#fetched[index]?.resolve(found);
    }
    return found;
  }

  /**
   * Makes the snapshot of a layer; resolves when it is committed, which the layers below have to be first.
   *
   * @param again the layer for a second time, where it turns out that it can only be applied on those below
   */
  async unpack(index: number, layer: StoredLayer, again: () => Promise<StoredLayer>): Promise<void> {
    const committed = this.#committed[index];
    try {
      await using _lock = await this.#options.lock(`unpack-${this.#name(index)}`);
      // Whoever held the lock before may have made it.
      if ((await this.find(index)) === undefined) await this.#unpack(index, layer, again);
      committed?.resolve();
    } catch (error) {
      committed?.reject(new Abandoned());
      throw error;
    }
  }

  /** The snapshot of a layer is there already. */
  skip(index: number): void {
    this.#committed[index]?.resolve();
  }

  /** The layer will not come: those that wait for it need not. */
  abandon(index: number): void {
    this.#fetched[index]?.resolve(false);
    this.#committed[index]?.reject(new Abandoned());
  }

  async #fetch(index: number, image: FetchedImage): Promise<boolean> {
    const { snapshotter, lock } = this.#options;
    await this.#below(index);
    await using _lock = await lock(`unpack-${this.#name(index)}`);
    const present = await this.find(index);
    if (present !== undefined) return present === "fetched";
    const key = await this.#newKey(index);
    try {
      const labels = fetchedLayerLabels(image, index, this.#name(index));
      await snapshotter.prepare(key, index === 0 ? undefined : this.#name(index - 1), { labels });
    } catch (error) {
      if (hasCode(error, "exists") && (await this.find(index)) === "fetched") return true;
      throw error;
    }
    await snapshotter.remove(key);
    return false;
  }

  /** Kept from now on. */
  async #newKey(index: number): Promise<string> {
    const { snapshotter, leases, lease } = this.#options;
    const key = `unpack-${randomBytes(8).toString("hex")} ${this.#name(index)}`;
    await leases.add(lease, { kind: "snapshot", snapshotter: snapshotter.name, key });
    return key;
  }

  async #unpack(index: number, layer: StoredLayer, again: () => Promise<StoredLayer>): Promise<void> {
    const parent = index === 0 ? undefined : this.#name(index - 1);
    const isAlone = this.isParallel || parent === undefined;
    if (!isAlone) await this.#below(index);
    try {
      await this.#make(index, layer, { parent, isAlone });
    } catch (error) {
      if (parent === undefined || !isAlone || !hasCode(error, "unsupported")) throw error;
      await this.#below(index);
      await this.#make(index, await again(), { parent, isAlone: false });
    }
  }

  async #make(
    index: number,
    layer: StoredLayer,
    { parent, isAlone }: { readonly parent: string | undefined; readonly isAlone: boolean },
  ): Promise<void> {
    const { snapshotter } = this.#options;
    const key = await this.#newKey(index);
    await snapshotter.prepare(key, isAlone ? undefined : parent);
    try {
      await snapshotter.apply(key, readLayer(layer, this.#options.reading));
      await this.#below(index);
      await snapshotter.commit(this.#name(index), key, isAlone && parent !== undefined ? { parent } : {});
    } catch (error) {
      // What went wrong first is what there is to tell; what cannot be removed is left to garbage collection.
      await snapshotter.remove(key).catch(() => {});
      throw error;
    }
  }

  async #below(index: number): Promise<void> {
    if (index > 0) await this.#committed[index - 1]?.promise;
  }

  #name(index: number): Digest {
    return this.#chain[index] as Digest;
  }
}

function hasCode(error: unknown, code: ErrorCode): boolean {
  return error instanceof OrlopError && error.code === code;
}
