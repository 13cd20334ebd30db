import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import {
  type BlobOptions,
  type Descriptor,
  type ImageSource,
  MEDIA_TYPE_IMAGE_CONFIG,
  MEDIA_TYPE_IMAGE_INDEX,
  MEDIA_TYPE_IMAGE_LAYER_GZIP,
  MEDIA_TYPE_IMAGE_MANIFEST,
  type OfferedImage,
  OrlopError,
  type Platform,
} from "@orlop/core";
import { makeTar } from "@orlop/testkit";

export const PLATFORM: Platform = { os: "linux", architecture: "amd64" };

/** Images in memory, and who asked for what. */
export class FakeSource implements ImageSource {
  readonly name = "a test";
  readonly blobs: Map<string, Buffer> = new Map();
  /** Digests of the blobs that were asked for. */
  readonly asked: string[] = [];
  /** Blobs that break off after their first byte. */
  readonly breaking: Set<string> = new Set();
  /** Digests of blobs that it only names. */
  readonly missing: Set<string> = new Set();

  add(content: Buffer | object, mediaType: string): Descriptor {
    const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content));
    const digest: Descriptor["digest"] = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    this.blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.length };
  }

  /** An image whose layers hold files of these names; `diffIds` only where they are to be wrong. */
  image(layers: readonly (readonly string[])[], { platform = PLATFORM, diffIds }: ImageOptions = {}): Descriptor {
    const tars = layers.map((paths) => makeTar(paths.map((path) => ({ path, content: path }))));
    const trueIds = tars.map((tar) => `sha256:${createHash("sha256").update(tar).digest("hex")}`);
    const config = { ...platform, rootfs: { type: "layers", diff_ids: diffIds ?? trueIds } };
    const manifest = {
      schemaVersion: 2,
      mediaType: MEDIA_TYPE_IMAGE_MANIFEST,
      config: this.add(config, MEDIA_TYPE_IMAGE_CONFIG),
      layers: tars.map((tar) => this.add(gzipSync(tar), MEDIA_TYPE_IMAGE_LAYER_GZIP)),
    };
    return { ...this.add(manifest, MEDIA_TYPE_IMAGE_MANIFEST), platform };
  }

  index(manifests: readonly Descriptor[]): Descriptor {
    return this.add({ schemaVersion: 2, mediaType: MEDIA_TYPE_IMAGE_INDEX, manifests }, MEDIA_TYPE_IMAGE_INDEX);
  }

  /** Descriptors of an image's layers. */
  layers({ digest }: Descriptor): readonly Descriptor[] {
    return (JSON.parse(String(this.blobs.get(digest))) as { layers: Descriptor[] }).layers;
  }

  async images(): Promise<readonly OfferedImage[]> {
    return [];
  }

  async document({ digest }: Descriptor): Promise<Buffer> {
    return this.#get(digest);
  }

  async *blob({ digest }: Descriptor, { range }: BlobOptions = {}): AsyncGenerator<Buffer> {
    this.asked.push(digest);
    if (this.missing.has(digest)) throw new OrlopError("not-found", `Cannot find "${digest}"`);
    const bytes = this.#get(digest);
    const wanted = range === undefined ? bytes : bytes.subarray(range.offset, range.offset + range.length);
    yield wanted.subarray(0, 1);
    // Others get their turn.
    await new Promise((resolve) => setImmediate(resolve));
    if (this.breaking.has(digest)) throw new OrlopError("failed", `Cannot read "${digest}": the line is cut`);
    yield wanted.subarray(1);
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #get(digest: string): Buffer {
    const bytes = this.blobs.get(digest);
    if (bytes === undefined) throw new OrlopError("not-found", `Cannot find "${digest}" in a test`);
    return bytes;
  }
}

interface ImageOptions {
  readonly platform?: Platform;
  readonly diffIds?: readonly string[];
}
