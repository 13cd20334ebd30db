import { closeSync } from "node:fs";
import {
  type ContentStore,
  type Descriptor,
  type Digest,
  decodeImageConfig,
  decodeManifest,
  editImageConfig,
  editManifest,
  type ImageExecutionConfig,
  type ImageHistory,
  type LayerEntry,
  MEDIA_TYPE_DOCKER_LAYER_GZIP,
  MEDIA_TYPE_DOCKER_MANIFEST,
  MEDIA_TYPE_IMAGE_LAYER_GZIP,
  type MemberChanges,
  type Platform,
} from "@orlop/core";
import type { ArchiveOptions } from "../archive/seekable-archive.ts";
import { documentOf } from "../layout/named-targets.ts";
import { readDocument } from "../transfer/store-source.ts";
import { CommitSource } from "./commit-source.ts";
import { type LayerFile, makeLayerFile } from "./make-layer-file.ts";

export interface CommitOptions extends Pick<ArchiveOptions, "temporaryDirectory" | "signal"> {
  /** Holds the image that is changed. */
  readonly content: ContentStore;
  /** Its manifest. */
  readonly base: Descriptor;
  /** Its new layer; where there are none, there is no new layer. */
  readonly entries: AsyncIterable<LayerEntry>;
  readonly config: MemberChanges<ImageExecutionConfig>;
  /** What is told of the step, and of the image as a whole. RFC 3339. */
  readonly created: string;
  readonly author?: string;
  readonly history: Pick<ImageHistory, "created_by" | "comment">;
}

/**
 * An image with a layer on top and another config, as a source to pull from: `pullImage` brings it to where its base is. All
 * of `entries` has been read when this resolves. The same base, entries and words make the same image.
 *
 * @throws OrlopError
 */
export async function openCommit(options: CommitOptions): Promise<CommitSource> {
  const { content, base } = options;
  const manifest = await readDocument(content, base);
  const { config } = decodeManifest(manifest);
  const document = await readDocument(content, config);
  const layer = await makeLayerFile(options.entries, options);
  try {
    return new CommitSource({ content, layer, ...describe({ manifest, config: document }, layer, options) });
  } catch (error) {
    closeSync(layer.fd);
    throw error;
  }
}

interface Documents {
  readonly manifest: Buffer;
  readonly config: Buffer;
}

interface Described {
  readonly target: Descriptor;
  readonly made: ReadonlyMap<Digest, Buffer>;
  readonly platform: Platform;
  readonly configDigest: Digest;
}

function describe(old: Documents, layer: LayerFile, { base, created, author, ...options }: CommitOptions): Described {
  const made = new Map<Digest, Buffer>();
  const isEmpty = layer.entryCount === 0;
  const by = author === undefined ? {} : { author };
  const { history = [], rootfs } = decodeImageConfig(old.config);
  // Steps are told apart by their number: each layer below has one.
  const untold = history.length > 0 ? [] : rootfs.diff_ids.map(() => ({}));
  const config = editImageConfig(old.config, {
    created,
    ...by,
    config: options.config,
    diffIds: isEmpty ? [] : [layer.diffId],
    history: [...untold, { created, ...by, ...options.history, ...(isEmpty ? { empty_layer: true } : {}) }],
  });
  const before = decodeManifest(old.manifest);
  const mediaType =
    base.mediaType === MEDIA_TYPE_DOCKER_MANIFEST ? MEDIA_TYPE_DOCKER_LAYER_GZIP : MEDIA_TYPE_IMAGE_LAYER_GZIP;
  const configDescriptor = documentOf(config, before.config.mediaType, made);
  const manifest = editManifest(old.manifest, {
    config: configDescriptor,
    layers: isEmpty ? [] : [{ mediaType, digest: layer.digest, size: layer.size }],
    subject: undefined,
  });
  const { os, architecture, variant } = decodeImageConfig(config);
  return {
    target: documentOf(manifest, base.mediaType, made),
    made,
    platform: { os, architecture, ...(variant === undefined ? {} : { variant }) },
    configDigest: configDescriptor.digest,
  };
}
