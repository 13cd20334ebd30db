import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type ContentStore,
  type Descriptor,
  type Digest,
  type ImageConfig,
  type ImageStore,
  LABEL_GC_REF_CONTENT,
  LABEL_GC_REF_SNAPSHOT,
  type Labels,
  type LeaseStore,
  MEDIA_TYPE_IMAGE_CONFIG,
  MEDIA_TYPE_IMAGE_INDEX,
  MEDIA_TYPE_IMAGE_LAYER,
  MEDIA_TYPE_IMAGE_MANIFEST,
  OrlopError,
  type Platform,
  type SnapshotInfo,
  type Snapshotter,
} from "@orlop/core";
import type { Container } from "@orlop/engine";
import { type Database, openStore, type Store } from "@orlop/image";
import type { Command } from "../command.ts";
import { parseFlags } from "../flags/parse-flags.ts";
import { ownPlatform } from "../store/own-platform.ts";
import type { ImageShelf, VerbCall } from "./image-verb.ts";

interface ImageParts {
  readonly names: readonly string[];
  readonly config?: Partial<ImageConfig>;
  /** Bytes of each layer. */
  readonly layers?: readonly number[];
  readonly platform?: Platform;
  /** Sizes of the snapshots that the layers have become. */
  readonly snapshots?: readonly number[];
}

interface MadeImage {
  readonly id: Digest;
  readonly target: Descriptor;
}

interface VerbResult {
  readonly exitCode: number;
  readonly text: string;
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
}

/** A store with images in a directory of its own. */
export class TestShelf implements ImageShelf, Disposable {
  readonly content: ContentStore;
  readonly images: ImageStore;
  readonly leases: LeaseStore;
  collections = 0;
  /** Those that there are. */
  containers: readonly Container[] = [];
  readonly root: string = mkdtempSync(join(tmpdir(), "orlop-shelf-"));
  readonly #store: Store = openStore(this.root);
  readonly #snapshots = new Map<string, { readonly parent: string | undefined; readonly sizeBytes: number }>();

  constructor() {
    this.content = this.#store.content;
    this.images = this.#store.images;
    this.leases = this.#store.leases;
  }

  get database(): Database {
    return this.#store.database;
  }

  [Symbol.dispose](): void {
    this.#store.close();
    rmSync(this.root, { recursive: true });
  }

  async collectGarbage(): Promise<void> {
    this.collections += 1;
  }

  async snapshotter(): Promise<Snapshotter> {
    const find = (key: string) => {
      const found = this.#snapshots.get(key);
      if (found === undefined) throw new OrlopError("not-found", `Cannot find snapshot "${key}": it is not there`);
      return found;
    };
    const some: Partial<Snapshotter> = {
      name: "test",
      usage: async (key) => ({ sizeBytes: find(key).sizeBytes, inodes: 1 }),
      stat: async (key) => {
        const { parent } = find(key);
        const info: SnapshotInfo = { kind: "committed", key, labels: {}, createdAtMs: 0, updatedAtMs: 0 };
        return parent === undefined ? info : { ...info, parent };
      },
    };
    return some as Snapshotter;
  }

  async blob(content: Buffer, mediaType: string, labels: Labels = {}): Promise<Descriptor> {
    const digest: Digest = `sha256:${createHash("sha256").update(content).digest("hex")}`;
    const descriptor = { mediaType, digest, size: content.length };
    await using ingest = await this.content.ingest(descriptor);
    if (ingest !== undefined) {
      if (content.length > 0) await ingest.write(content, 0);
      await ingest.commit(labels);
    }
    return descriptor;
  }

  async document(document: unknown, mediaType: string, labels: Labels = {}): Promise<Descriptor> {
    return await this.blob(Buffer.from(JSON.stringify(document)), mediaType, labels);
  }

  /** An image for one platform. */
  async add({ names, config = {}, layers = [], platform = ownPlatform(), snapshots }: ImageParts): Promise<MadeImage> {
    const blobs: Descriptor[] = [];
    for (const [index, size] of layers.entries()) {
      blobs.push(await this.blob(Buffer.alloc(size, index), MEDIA_TYPE_IMAGE_LAYER));
    }
    const labels = snapshots === undefined ? {} : { [`${LABEL_GC_REF_SNAPSHOT}.test`]: this.#chain(snapshots) };
    const rootfs = { type: "layers", diff_ids: blobs.map(({ digest }) => digest) };
    const document = { ...platform, rootfs, ...config };
    const { digest, ...rest } = await this.document(document, MEDIA_TYPE_IMAGE_CONFIG, labels);
    const manifest = {
      schemaVersion: 2,
      mediaType: MEDIA_TYPE_IMAGE_MANIFEST,
      config: { digest, ...rest },
      layers: blobs,
    };
    const children = [digest, ...blobs.map((blob) => blob.digest)];
    const references = children.map((child, index) => [`${LABEL_GC_REF_CONTENT}.${index}`, child]);
    const target = await this.document(manifest, MEDIA_TYPE_IMAGE_MANIFEST, Object.fromEntries(references));
    for (const name of names) await this.images.put(name, target);
    return { id: digest, target };
  }

  /** An image for several platforms. */
  async addIndex(names: readonly string[], members: readonly Descriptor[]): Promise<Descriptor> {
    const index = { schemaVersion: 2, mediaType: MEDIA_TYPE_IMAGE_INDEX, manifests: members };
    const target = await this.document(index, MEDIA_TYPE_IMAGE_INDEX);
    for (const name of names) await this.images.put(name, target);
    return target;
  }

  async names(): Promise<readonly string[]> {
    return (await this.images.list()).map(({ name }) => name);
  }

  /** What a command says and does when it is called so. */
  async call(
    verb: (call: VerbCall) => Promise<number>,
    command: Command,
    args: readonly string[],
  ): Promise<VerbResult> {
    const texts: string[] = [];
    const errors: string[] = [];
    const warnings: string[] = [];
    const output = {
      text: (text: string) => void texts.push(text),
      error: (message: string) => void errors.push(message),
      warning: (message: string) => void warnings.push(message),
    };
    const flags = parseFlags(command.table, args);
    const containers = async (): Promise<readonly Container[]> => this.containers;
    const exitCode = await verb({ shelf: this, flags, output, nowMs: Date.now(), containers });
    return { exitCode, text: texts.join(""), errors, warnings };
  }

  #chain(sizes: readonly number[]): string {
    let parent: string | undefined;
    for (const sizeBytes of sizes) {
      const key = `snapshot ${this.#snapshots.size}`;
      this.#snapshots.set(key, { parent, sizeBytes });
      parent = key;
    }
    return parent ?? "none";
  }
}
