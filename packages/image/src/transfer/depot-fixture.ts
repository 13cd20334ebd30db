import { createHash } from "node:crypto";
import {
  type ByteRange,
  type ContentInfo,
  type ContentStore,
  type Descriptor,
  type ImageRecord,
  type ImageStore,
  type Ingest,
  type IngestOptions,
  LABEL_SNAPSHOT_REF,
  type Labels,
  type LayerEntry,
  type Lease,
  type LeaseResource,
  type LeaseStore,
  OrlopError,
  type SnapshotInfo,
  type Snapshotter,
} from "@orlop/core";
import type { ImageDepot } from "./pull-image.ts";

/** What a test looks at: a depot in memory, in which one process works. */
export class FakeDepot implements ImageDepot {
  readonly content: FakeContent = new FakeContent();
  readonly images: FakeImages = new FakeImages();
  readonly leases: FakeLeases = new FakeLeases();
  readonly #locks = new Map<string, Promise<void>>();

  async lock(name: string): Promise<AsyncDisposable> {
    const before = this.#locks.get(name);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#locks.set(name, promise);
    await before;
    return { [Symbol.asyncDispose]: async () => resolve() };
  }
}

class FakeContent implements ContentStore {
  readonly blobs: Map<string, { bytes: Buffer; labels: Labels }> = new Map();
  readonly #active = new Map<string, Promise<void>>();

  async info(digest: string): Promise<ContentInfo> {
    const { bytes, labels } = this.#get(digest);
    return { digest: digest as ContentInfo["digest"], sizeBytes: bytes.length, createdAtMs: 0, labels };
  }

  async has(digest: string): Promise<boolean> {
    return this.blobs.has(digest);
  }

  async *list(): AsyncGenerator<ContentInfo> {
    for (const digest of this.blobs.keys()) yield await this.info(digest);
  }

  async setLabels(digest: string, labels: Readonly<Record<string, string | undefined>>): Promise<ContentInfo> {
    const blob = this.#get(digest);
    blob.labels = { ...blob.labels, ...(labels as Labels) };
    return await this.info(digest);
  }

  async delete(digest: string): Promise<void> {
    this.blobs.delete(digest);
  }

  async *read(digest: string, range?: ByteRange): AsyncGenerator<Buffer> {
    const { bytes } = this.#get(digest);
    yield range === undefined ? bytes : bytes.subarray(range.offset, range.offset + range.length);
  }

  async ingest(
    { digest, size }: Pick<Descriptor, "digest" | "size">,
    options: IngestOptions = {},
  ): Promise<Ingest | undefined> {
    for (let active = this.#active.get(digest); active !== undefined; active = this.#active.get(digest)) {
      options.onWait?.();
      await active;
    }
    if (this.blobs.has(digest)) return undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#active.set(digest, promise);
    const end = (): void => {
      this.#active.delete(digest);
      resolve();
    };
    return new FakeIngest({ digest, size }, (bytes, labels) => this.blobs.set(digest, { bytes, labels }), end);
  }

  async *ingests(): AsyncGenerator<never> {}

  async abort(): Promise<void> {}

  #get(digest: string): { bytes: Buffer; labels: Labels } {
    const blob = this.blobs.get(digest);
    if (blob === undefined) throw new OrlopError("not-found", `Cannot find "${digest}"`);
    return blob;
  }
}

class FakeIngest implements Ingest {
  readonly digest: Ingest["digest"];
  readonly sizeBytes: number;
  readonly #keep: (bytes: Buffer, labels: Labels) => void;
  readonly #end: () => void;
  readonly #bytes: Buffer;
  #written = 0;
  #state: "open" | "committed" | "given up" = "open";
  #changed: PromiseWithResolvers<void> = Promise.withResolvers<void>();

  constructor(
    { digest, size }: Pick<Descriptor, "digest" | "size">,
    keep: (bytes: Buffer, labels: Labels) => void,
    end: () => void,
  ) {
    this.digest = digest;
    this.sizeBytes = size;
    this.#bytes = Buffer.alloc(size);
    this.#keep = keep;
    this.#end = end;
  }

  missing(): readonly ByteRange[] {
    return [{ offset: this.#written, length: this.sizeBytes - this.#written }];
  }

  async write(chunk: Buffer, offset: number): Promise<void> {
    if (offset + chunk.length > this.sizeBytes) throw new OrlopError("invalid", "Cannot write: past the end");
    chunk.copy(this.#bytes, offset);
    this.#written = offset + chunk.length;
    this.#change();
  }

  async *follow(): AsyncGenerator<Buffer> {
    for (let at = 0; at < this.sizeBytes; ) {
      if (this.#state === "given up") throw new OrlopError("cancelled", "Cannot follow: given up");
      if (at < this.#written) {
        const end = this.#written;
        yield this.#bytes.subarray(at, end);
        at = end;
      } else await this.#changed.promise;
    }
  }

  async commit(labels: Labels = {}): Promise<ContentInfo> {
    const hash = createHash("sha256").update(this.#bytes).digest("hex");
    if (`sha256:${hash}` !== this.digest) throw new OrlopError("invalid", `Cannot use blob: it hashes to ${hash}`);
    this.#keep(this.#bytes, labels);
    this.#state = "committed";
    this.#change();
    return { digest: this.digest, sizeBytes: this.sizeBytes, createdAtMs: 0, labels };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const isGivenUp = this.#state === "open";
    if (isGivenUp) this.#state = "given up";
    this.#change();
    // What has come is made to last, while those who followed fail.
    if (isGivenUp) for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
    this.#end();
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}

class FakeImages implements ImageStore {
  readonly records: Map<string, ImageRecord> = new Map();

  async get(name: string): Promise<ImageRecord> {
    const record = this.records.get(name);
    if (record === undefined) throw new OrlopError("not-found", `Cannot find image "${name}"`);
    return record;
  }

  async list(): Promise<readonly ImageRecord[]> {
    return [...this.records.values()];
  }

  async put(name: string, target: Descriptor, labels: Labels = {}): Promise<ImageRecord> {
    const record = { name, target, labels, createdAtMs: 0, updatedAtMs: 0 };
    this.records.set(name, record);
    return record;
  }

  async delete(name: string): Promise<void> {
    this.records.delete(name);
  }
}

class FakeLeases implements LeaseStore {
  readonly held: Map<string, LeaseResource[]> = new Map();

  async create(): Promise<Lease> {
    const id = `lease-${this.held.size}`;
    this.held.set(id, []);
    return { id, createdAtMs: 0, labels: {} };
  }

  async delete(id: string): Promise<void> {
    this.held.delete(id);
  }

  async list(): Promise<readonly Lease[]> {
    return [...this.held.keys()].map((id) => ({ id, createdAtMs: 0, labels: {} }));
  }

  async add(id: string, resource: LeaseResource): Promise<void> {
    this.held.get(id)?.push(resource);
  }

  async remove(): Promise<void> {}

  async resources(id: string): Promise<readonly LeaseResource[]> {
    return this.held.get(id) ?? [];
  }
}

interface FakeSnapshot {
  kind: "active" | "committed";
  parent: string | undefined;
  paths: readonly string[];
  labels?: Labels;
}

interface FakeSnapshotterOptions {
  readonly rebases: boolean;
  readonly needsParent?: string;
  /** Paths of layers that it has itself, by their digests. */
  readonly fetched?: Readonly<Record<string, readonly string[]>>;
}

/** Remembers which paths each layer has, and refuses what the test says. */
export class FakeSnapshotter implements Snapshotter {
  readonly name = "fake";
  readonly rebases: boolean;
  readonly snapshots: Map<string, FakeSnapshot> = new Map();
  /** In the order of their beginning. */
  readonly applied: string[][] = [];
  /** Labels of what it was asked to fetch. */
  readonly asked: Labels[] = [];
  readonly fetches: boolean;
  /** A path that can only be applied on what is below. */
  readonly #needsParent: string | undefined;
  readonly #fetched: FakeSnapshotterOptions["fetched"];

  constructor(options: FakeSnapshotterOptions) {
    this.rebases = options.rebases;
    this.fetches = options.fetched !== undefined;
    this.#needsParent = options.needsParent;
    this.#fetched = options.fetched;
  }

  /** Paths of all layers of a root file system, the lowest first. */
  paths(name: string | undefined): readonly string[] {
    const snapshot = name === undefined ? undefined : this.snapshots.get(name);
    return snapshot === undefined ? [] : [...this.paths(snapshot.parent), ...snapshot.paths];
  }

  async stat(key: string): Promise<SnapshotInfo> {
    const { kind, labels = {} } = this.#get(key);
    return { kind, key, labels, createdAtMs: 0, updatedAtMs: 0 };
  }

  async prepare(
    key: string,
    parent: string | undefined,
    { labels = {} }: { readonly labels?: Labels } = {},
  ): Promise<readonly never[]> {
    if (parent !== undefined) this.#get(parent);
    const name = labels[LABEL_SNAPSHOT_REF];
    if (name !== undefined) this.asked.push(labels);
    const paths = this.#fetched?.[labels["containerd.io/snapshot/cri.layer-digest"] ?? ""];
    if (name !== undefined && paths !== undefined) {
      this.snapshots.set(name, { kind: "committed", parent, paths, labels });
      throw new OrlopError("exists", `Cannot prepare "${key}": "${name}" is there`);
    }
    this.snapshots.set(key, { kind: "active", parent, paths: [] });
    return [];
  }

  async apply(key: string, entries: AsyncIterable<LayerEntry>): Promise<void> {
    const snapshot = this.#get(key);
    const paths: string[] = [];
    this.applied.push(paths);
    for await (const { path } of entries) {
      if (path === this.#needsParent && snapshot.parent === undefined) {
        throw new OrlopError("unsupported", `Cannot apply "${path}" without what is below`);
      }
      paths.push(path);
    }
    snapshot.paths = paths;
  }

  async commit(name: string, key: string, { parent }: { readonly parent?: string } = {}): Promise<void> {
    if (this.snapshots.has(name)) throw new OrlopError("exists", `Cannot commit "${name}": it is there`);
    const snapshot = this.#get(key);
    if (parent !== undefined) this.#get(parent);
    this.snapshots.delete(key);
    this.snapshots.set(name, { ...snapshot, kind: "committed", parent: parent ?? snapshot.parent });
  }

  async remove(key: string): Promise<void> {
    this.#get(key);
    this.snapshots.delete(key);
  }

  update = async (): Promise<never> => this.#notHere();
  usage = async (): Promise<never> => this.#notHere();
  mounts = async (): Promise<never> => this.#notHere();
  view = async (): Promise<never> => this.#notHere();
  async *walk(): AsyncGenerator<never> {}
  async cleanup(): Promise<void> {}
  async close(): Promise<void> {}

  #get(key: string): FakeSnapshot {
    const snapshot = this.snapshots.get(key);
    if (snapshot === undefined) throw new OrlopError("not-found", `Cannot find snapshot "${key}"`);
    return snapshot;
  }

  #notHere(): never {
    throw new OrlopError("internal", "no test needs this");
  }
}
