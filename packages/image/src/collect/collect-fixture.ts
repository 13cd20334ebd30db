import { type Digest, LABEL_GC_REF_CONTENT, LABEL_GC_REF_SNAPSHOT, type Labels, OrlopError } from "@orlop/core";
import { makeTestBlob, type TestBlob, temporaryDirectory } from "@orlop/testkit";
import { openStore, type Store } from "../store/open-store.ts";
import { storeBlob } from "../store/store-fixture.ts";
import { FakeSnapshots } from "./snapshots-fixture.ts";
import type { CollectedStore } from "./store-view.ts";

/** An image of two layers and the snapshots of them. */
export interface TestImage {
  readonly manifest: TestBlob;
  readonly config: TestBlob;
  readonly layers: readonly TestBlob[];
  /** Names of snapshots, the lowest first. */
  readonly chain: readonly string[];
}

/** Two images that begin with the same letter share their lowest layer. */
export function makeTestImage(seed: string): TestImage {
  const base = `base of ${seed.charAt(0)}`;
  return {
    manifest: makeTestBlob(`manifest of ${seed}`, 500),
    config: makeTestBlob(`config of ${seed}`, 700),
    layers: [makeTestBlob(base, 9000), makeTestBlob(`top of ${seed}`, 20_000)],
    chain: [`chain ${base}`, `chain ${seed}`],
  };
}

export function targetOf({ manifest: { digest, size } }: TestImage): {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
} {
  return { mediaType: "application/vnd.oci.image.manifest.v1+json", digest, size };
}

/** A store and what may be removed from it, as one process has it. */
export class CollectFixture implements Disposable, CollectedStore {
  readonly root: string;
  readonly store: Store;
  readonly fake: FakeSnapshots;
  readonly #directory: Disposable | undefined;

  /** @param root a directory that others use as well; absent: one that goes with this */
  constructor(root?: string) {
    const directory = root === undefined ? temporaryDirectory() : undefined;
    this.#directory = directory;
    this.root = root ?? directory?.path ?? "";
    this.store = openStore(this.root);
    this.fake = new FakeSnapshots(this.root, this.store.database);
  }

  get snapshots(): readonly FakeSnapshots[] {
    return [this.fake];
  }

  /** Brings an image as a pull does: first a lease for each part, then a look whether it is there. */
  async bring(image: TestImage, lease: string): Promise<void> {
    const { manifest, config, layers, chain } = image;
    await this.#keep(manifest.digest, lease);
    for (const layer of layers) await this.#store(layer, lease);
    for (const [index, key] of chain.entries()) {
      await this.store.leases.add(lease, { kind: "snapshot", snapshotter: this.fake.name, key });
      this.#make(key, chain[index - 1]);
    }
    await this.#store(config, lease, { [`${LABEL_GC_REF_SNAPSHOT}.${this.fake.name}`]: chain.at(-1) ?? "" });
    const children = [config, ...layers].map(({ digest }, index) => [`${LABEL_GC_REF_CONTENT}.${index}`, digest]);
    await this.#store(manifest, lease, Object.fromEntries(children));
  }

  /** Brings an image and gives it a name. */
  async pull(image: TestImage, name: string): Promise<void> {
    const { id } = await this.store.leases.create();
    await this.bring(image, id);
    await this.store.images.put(name, targetOf(image));
    await this.store.leases.delete(id);
  }

  /** What is missing of an image. */
  async missing({ manifest, config, layers, chain }: TestImage): Promise<readonly string[]> {
    const missing: string[] = [];
    for (const { digest } of [manifest, config, ...layers]) {
      if (!(await this.store.content.has(digest))) missing.push(digest);
    }
    return [...missing, ...chain.filter((key) => !this.fake.has(key))];
  }

  #make(key: string, parent: string | undefined): void {
    if (this.fake.has(key)) return;
    try {
      this.fake.make(key, parent);
    } catch (error) {
      // Another process has made it meanwhile.
      if (!(error instanceof OrlopError) || error.code !== "exists") throw error;
    }
  }

  async #keep(digest: Digest, lease: string): Promise<void> {
    await this.store.leases.add(lease, { kind: "content", digest });
  }

  async #store(blob: TestBlob, lease: string, labels: Labels = {}): Promise<void> {
    await this.#keep(blob.digest, lease);
    if (await this.store.content.has(blob.digest)) await this.store.content.setLabels(blob.digest, labels);
    else await storeBlob(this.store.content, blob, labels);
  }

  [Symbol.dispose](): void {
    this.store.close();
    this.#directory?.[Symbol.dispose]();
  }
}
