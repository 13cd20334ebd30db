import { createHash } from "node:crypto";
import { closeSync, fstatSync, readSync } from "node:fs";
import {
  type ByteRange,
  type Descriptor,
  type Digest,
  formatReference,
  type ImageExecutionConfig,
  type ImageHistory,
  MEDIA_TYPE_IMAGE_CONFIG,
  MEDIA_TYPE_IMAGE_MANIFEST,
  OrlopError,
  type Platform,
  parseReference,
} from "@orlop/core";
import { FileChunks } from "../archive/file-chunks.ts";
import { type ArchiveInput, type ArchiveOptions, seekableArchive } from "../archive/seekable-archive.ts";
import { compressionOf, MAGIC_MAX_BYTES, uncompressed } from "../layer/compression.ts";
import { LAYER_MEDIA_TYPES } from "../layer/layer-media-types.ts";
import { watched } from "../layer/watched.ts";
import { FilesSource } from "../layout/files-source.ts";
import type { ImageFiles } from "../layout/image-files.ts";
import { makeDocument } from "../layout/named-targets.ts";
import { readTar } from "../tar/read-tar.ts";
import { writeTar } from "../tar/write-tar.ts";
import { type WalkOptions, walkDirectory } from "./walk-directory.ts";

export interface SingleLayerOptions extends Pick<ArchiveOptions, "temporaryDirectory" | "signal"> {
  readonly platform: Platform;
  /** What its containers start with. */
  readonly config?: ImageExecutionConfig;
  /** RFC 3339; absent: the config does not tell, and the image is the same for the same files. */
  readonly created?: string;
  /** How it came to be. */
  readonly history?: ImageHistory;
  /** What the image is called; absent: it has no name. */
  readonly imageName?: string;
}

/**
 * A tar archive of a root file system as an image of one layer, from a file or a pipe. The layer is the archive as it is,
 * compressed or not; only what layers cannot be compressed with is undone.
 *
 * @throws OrlopError
 */
export async function openTarImage(
  input: ArchiveInput,
  options: SingleLayerOptions & Pick<ArchiveOptions, "name">,
): Promise<FilesSource> {
  const name = options.name ?? (typeof input === "string" ? input : "standard input");
  const fd = await seekableArchive(input, { ...options, name, kept: new Set(LAYER_MEDIA_TYPES.keys()) });
  return await singleLayerSource(`tar:${name}`, new LayerFile(name, fd), options);
}

/**
 * The files of a directory as an image of one layer, which is made in a file without a name first. Of the same files, with
 * the same options, it is always the same image.
 *
 * @throws OrlopError
 */
export async function openDirectoryImage(
  directory: string,
  options: SingleLayerOptions & WalkOptions,
): Promise<FilesSource> {
  const fd = await seekableArchive(writeTar(walkDirectory(directory, options)), { ...options, name: directory });
  return await singleLayerSource(`dir:${directory}`, new LayerFile(directory, fd), options);
}

async function singleLayerSource(name: string, file: LayerFile, options: SingleLayerOptions): Promise<FilesSource> {
  try {
    const { layer, diffId } = await describe(file, options.signal);
    const made = new Map<Digest, Buffer>();
    const { platform, config = {}, created, history, imageName } = options;
    const content = {
      ...(created === undefined ? {} : { created }),
      ...platform,
      config,
      rootfs: { type: "layers", diff_ids: [diffId] },
      ...(history === undefined ? {} : { history: [history] }),
    };
    const manifest = {
      schemaVersion: 2,
      mediaType: MEDIA_TYPE_IMAGE_MANIFEST,
      config: makeDocument(content, MEDIA_TYPE_IMAGE_CONFIG, made),
      layers: [layer],
    };
    const target = { ...makeDocument(manifest, MEDIA_TYPE_IMAGE_MANIFEST, made), platform };
    const named = imageName === undefined ? { target } : { target, name: formatReference(parseReference(imageName)) };
    return new FilesSource(name, file, { targets: [named], made, path: () => LAYER_PATH });
  } catch (error) {
    file[Symbol.dispose]();
    throw error;
  }
}

/** What the layer is, which has to be a tar archive, and what it hashes to without compression. */
async function describe(
  file: LayerFile,
  signal: AbortSignal | undefined,
): Promise<{ readonly layer: Descriptor; readonly diffId: Digest }> {
  const compression = compressionOf(file.read(LAYER_PATH, MAGIC_MAX_BYTES));
  const [blob, plain] = [createHash("sha256"), createHash("sha256")];
  let storedBytes = 0;
  const stored = watched(file.chunks(), (chunk) => {
    if (signal?.aborted) throw new OrlopError("cancelled", `Cannot read "${file.name}": it was ended`);
    storedBytes += chunk.length;
    blob.update(chunk);
  });
  const archive = watched(uncompressed(file.name, stored, compression), (chunk) => plain.update(chunk));
  for await (const _ of readTar(archive, { name: file.name }));
  if (storedBytes !== file.size()) {
    throw new OrlopError("invalid", `Cannot use layer "${file.name}": something follows its end`);
  }
  const digest: Digest = `sha256:${blob.digest("hex")}`;
  const diffId: Digest = `sha256:${plain.digest("hex")}`;
  return { layer: { mediaType: LAYER_MEDIA_TYPES.get(compression) ?? "", digest, size: file.size() }, diffId };
}

const LAYER_PATH = "layer";

/** An open file, which it closes, as the only one of an image. */
class LayerFile implements ImageFiles {
  readonly name: string;
  readonly #fd: number;

  constructor(name: string, fd: number) {
    this.name = name;
    this.#fd = fd;
  }

  size(): number {
    return fstatSync(this.#fd).size;
  }

  read(_path: string, length: number = this.size()): Buffer {
    const bytes = Buffer.alloc(length);
    return bytes.subarray(0, readSync(this.#fd, bytes, 0, length, 0));
  }

  chunks(_path?: string, range?: ByteRange): AsyncIterable<Buffer> {
    const { offset, length } = range ?? { offset: 0, length: this.size() };
    return new FileChunks(this.#fd, offset, offset + length);
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}
