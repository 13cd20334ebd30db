import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { arch } from "node:os";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import {
  ANNOTATION_REF_NAME,
  type Descriptor,
  type ImageExecutionConfig,
  MEDIA_TYPE_IMAGE_CONFIG,
  MEDIA_TYPE_IMAGE_INDEX,
  MEDIA_TYPE_IMAGE_LAYER,
  MEDIA_TYPE_IMAGE_LAYER_GZIP,
  MEDIA_TYPE_IMAGE_LAYER_ZSTD,
  MEDIA_TYPE_IMAGE_MANIFEST,
} from "@orlop/core";

export interface FixtureLayer {
  readonly tar: Buffer;
  readonly compression?: "none" | "gzip" | "zstd";
}

export interface FixtureImage {
  readonly layers: readonly FixtureLayer[];
  readonly config?: ImageExecutionConfig;
  readonly tag?: string;
  /** This machine's when absent. */
  readonly architecture?: string;
}

const OWN_ARCHITECTURE: string = arch() === "x64" ? "amd64" : arch();

/** Writes OCI image layouts as other tools do, and with mistakes that no tool makes. */
export class LayoutWriter {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
    mkdirSync(join(directory, "blobs", "sha256"), { recursive: true });
    writeFileSync(join(directory, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  }

  blob(content: Buffer | object, mediaType: string): Descriptor {
    const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content));
    const hex = createHash("sha256").update(bytes).digest("hex");
    writeFileSync(join(this.directory, "blobs", "sha256", hex), bytes);
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
  }

  manifest({ layers, config, tag, architecture = OWN_ARCHITECTURE }: FixtureImage): Descriptor {
    const platform = { os: "linux", architecture };
    const diffIds = layers.map(({ tar }) => `sha256:${createHash("sha256").update(tar).digest("hex")}`);
    const image = { ...platform, config: config ?? {}, rootfs: { type: "layers", diff_ids: diffIds } };
    const manifest = {
      schemaVersion: 2,
      mediaType: MEDIA_TYPE_IMAGE_MANIFEST,
      config: this.blob(image, MEDIA_TYPE_IMAGE_CONFIG),
      layers: layers.map((layer) => this.layer(layer)),
    };
    const descriptor = { ...this.blob(manifest, MEDIA_TYPE_IMAGE_MANIFEST), platform };
    return tag === undefined ? descriptor : { ...descriptor, annotations: { [ANNOTATION_REF_NAME]: tag } };
  }

  layer({ tar, compression = "gzip" }: FixtureLayer): Descriptor {
    switch (compression) {
      case "none":
        return this.blob(tar, MEDIA_TYPE_IMAGE_LAYER);
      case "gzip":
        return this.blob(gzipSync(tar), MEDIA_TYPE_IMAGE_LAYER_GZIP);
      case "zstd":
        return this.blob(zstdCompressSync(tar), MEDIA_TYPE_IMAGE_LAYER_ZSTD);
    }
  }

  index(manifests: readonly Descriptor[]): Descriptor {
    return this.blob({ schemaVersion: 2, mediaType: MEDIA_TYPE_IMAGE_INDEX, manifests }, MEDIA_TYPE_IMAGE_INDEX);
  }

  /** What stands in index.json. */
  publish(manifests: readonly Descriptor[]): void {
    const index = { schemaVersion: 2, mediaType: MEDIA_TYPE_IMAGE_INDEX, manifests };
    writeFileSync(join(this.directory, "index.json"), JSON.stringify(index));
  }
}
