import { createHash } from "node:crypto";
import {
  type Descriptor,
  type Digest,
  decodeImageConfig,
  MEDIA_TYPE_IMAGE_CONFIG,
  MEDIA_TYPE_IMAGE_MANIFEST,
  OrlopError,
} from "@orlop/core";
import { compressionOf, MAGIC_MAX_BYTES } from "../layer/compression.ts";
import { LAYER_MEDIA_TYPES } from "../layer/layer-media-types.ts";
import type { FilesContents } from "../layout/files-source.ts";
import { type ImageFiles, readImageFile } from "../layout/image-files.ts";
import { fullName } from "../layout/image-names.ts";
import { makeDocument, type NamedTarget } from "../layout/named-targets.ts";
import { sha256Digest } from "../layout/verify-content.ts";
import { type ArchivedImage, readDockerManifest } from "./docker-manifest.ts";

/**
 * What an archive holds that `docker save` wrote before it wrote layouts, or podman. It has no manifests, so that they are
 * made here, over the configs and the layers as they are: of the same files always the same.
 *
 * @throws OrlopError
 */
export async function dockerContents(files: ImageFiles, signal?: AbortSignal): Promise<FilesContents> {
  const paths = new Map<Digest, string>();
  const made = new Map<Digest, Buffer>();
  const targets: NamedTarget[] = [];
  for (const image of readDockerManifest(files)) {
    const target = await makeManifest(files, image, { paths, made, ...(signal === undefined ? {} : { signal }) });
    targets.push(...(image.names.length === 0 ? [{ target }] : image.names.map((name) => namedTarget(name, target))));
  }
  return { targets, made, path: (digest) => paths.get(digest) };
}

function namedTarget(label: string, target: Descriptor): NamedTarget {
  const name = fullName(label);
  return { target, label, ...(name === undefined ? {} : { name }) };
}

interface Places {
  readonly paths: Map<Digest, string>;
  readonly made: Map<Digest, Buffer>;
  readonly signal?: AbortSignal;
}

async function makeManifest(files: ImageFiles, image: ArchivedImage, places: Places): Promise<Descriptor> {
  const text = readImageFile(files, image.config);
  const { os, architecture, variant, rootfs } = decodeImageConfig(text);
  const digest = sha256Digest(text);
  places.paths.set(digest, image.config);
  if (rootfs.diff_ids.length !== image.layers.length) {
    const what = `it has ${image.layers.length} layers and its config ${rootfs.diff_ids.length}`;
    const problem = `Cannot use image "${image.config}" of archive "${files.name}": ${what}`;
    throw new OrlopError("invalid", problem, { operation: "read archive" });
  }
  const layers: Descriptor[] = [];
  for (const [index, path] of image.layers.entries()) {
    layers.push(await describeLayer(files, path, rootfs.diff_ids[index] as Digest, places));
  }
  const config = { mediaType: MEDIA_TYPE_IMAGE_CONFIG, digest, size: text.length };
  const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPE_IMAGE_MANIFEST, config, layers };
  const platform = { architecture, os, ...(variant === undefined ? {} : { variant }) };
  return { ...makeDocument(manifest, MEDIA_TYPE_IMAGE_MANIFEST, places.made), platform };
}

async function describeLayer(files: ImageFiles, path: string, diffId: Digest, places: Places): Promise<Descriptor> {
  const size = files.size(path);
  if (size === undefined) throw new OrlopError("not-found", `Cannot use "${files.name}": it has no ${path}`);
  const compression = compressionOf(await readStart(files, path));
  const mediaType = LAYER_MEDIA_TYPES.get(compression);
  if (mediaType === undefined) {
    const what = `it is compressed with ${compression}, for which there is no media type`;
    throw new OrlopError("unsupported", `Cannot use layer "${path}" of archive "${files.name}": ${what}`);
  }
  // Whoever reads it verifies it, so that one that is not compressed needs no look: it has the digest that it has to have.
  const digest = compression === "none" ? diffId : await hashFile(files, path, places.signal);
  places.paths.set(digest, path);
  return { mediaType, digest, size };
}

async function readStart(files: ImageFiles, path: string): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(files.chunks(path, { offset: 0, length: MAGIC_MAX_BYTES })));
}

async function hashFile(files: ImageFiles, path: string, signal: AbortSignal | undefined): Promise<Digest> {
  const hash = createHash("sha256");
  for await (const chunk of files.chunks(path)) {
    if (signal?.aborted) throw new OrlopError("cancelled", `Cannot read "${path}" of "${files.name}": it was ended`);
    hash.update(chunk);
  }
  return `sha256:${hash.digest("hex")}`;
}
