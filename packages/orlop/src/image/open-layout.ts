import { rmSync } from "node:fs";
import { arch } from "node:os";
import { join } from "node:path";
import {
  type Digest,
  decodeImageConfig,
  decodeImageLayout,
  decodeIndex,
  decodeManifest,
  type ImageConfig,
  type Manifest,
  OrlopError,
  type Platform,
} from "@orlop/core";
import { chooseManifest, LayoutBlobs, platformName, readLayer } from "@orlop/image";
import type { LayerTree } from "@orlop/snapshot";
import { OwnDirectory } from "../run/own-directory.ts";
import type { Image, OpenImageOptions } from "./image.ts";
import type { ImageReference } from "./image-reference.ts";
import { type LayerOfImage, unpackLayers } from "./layout/unpack-layers.ts";
import { RootDirectory } from "./root-directory.ts";

/** Overlay itself takes 500; no real image has a tenth of them. */
const LAYERS_MAX = 500;

/** Go's names for processors, as images use them. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

type LayoutReference = Extract<ImageReference, { kind: "oci-layout" }>;

/**
 * Makes the root file system of an image of an OCI image layout, in a directory of its own that goes away with the result.
 *
 * @throws OrlopError
 */
export async function openLayout(reference: LayoutReference, options: OpenImageOptions): Promise<Image> {
  const blobs = new LayoutBlobs(reference.path);
  decodeImageLayout(blobs.readFile("oci-layout"));
  const platform: Platform = { os: "linux", architecture: ARCHITECTURES[arch()] ?? arch() };
  const chosen = chooseManifest(decodeIndex(blobs.readFile("index.json")), {
    tag: reference.tag,
    platform,
    read: (descriptor) => blobs.readDocument(descriptor),
  });
  const manifest = decodeManifest(blobs.readDocument(chosen));
  const config = decodeImageConfig(blobs.readDocument(manifest.config));
  checkImage(manifest, config, platform);
  using stack = new DisposableStack();
  const parent = process.env.TMPDIR ?? "/var/tmp";
  const own = stack.use(new OwnDirectory(parent, "orlop-image", 0o700)).path;
  const layers = manifest.layers.map((layer, index) => ({ layer, diffId: config.rootfs.diff_ids[index] as Digest }));
  const root = (await mountable(blobs, layers, own, options)) ?? (await unpacked(blobs, layers, own, options));
  stack.use(root);
  const cleanUp = stack.move();
  const { rootfs, warnings } = root;
  return {
    rootfs,
    mounts: [],
    config: config.config ?? {},
    readFile: (path, bytesMax) => root.readFile(path, bytesMax),
    isHost: false,
    warnings,
    [Symbol.dispose]: () => cleanUp.dispose(),
  };
}

interface LayeredRoot extends Pick<Image, "rootfs" | "readFile" | "warnings">, Disposable {}

/** As images that are mounted from their files; undefined where they cannot be, or cannot hold what the layers have. */
async function mountable(
  blobs: LayoutBlobs,
  layers: readonly LayerOfImage[],
  own: string,
  { rootless }: OpenImageOptions,
): Promise<LayeredRoot | undefined> {
  if (rootless || layers.length === 0) return undefined;
  const { erofsObstacle, LayeredFiles, writeErofs } = await import("@orlop/snapshot");
  if (erofsObstacle() !== undefined) return undefined;
  const paths: string[] = [];
  const trees: LayerTree<unknown>[] = [];
  try {
    for (const { layer, diffId } of layers) {
      const path = join(own, `${paths.length}.erofs`);
      trees.unshift(await writeErofs(path, readLayer(blobs, layer, diffId), { below: trees }));
      paths.unshift(path);
    }
  } catch (error) {
    if ((error as Partial<OrlopError>).code !== "unsupported") throw error;
    for (const path of paths) rmSync(path);
    return undefined;
  }
  const files = new LayeredFiles(paths);
  return {
    rootfs: { kind: "overlay", lower: paths.map((path) => ({ erofs: path })), writes: "discard" },
    readFile: (path, bytesMax) => files.readFile(path, bytesMax),
    warnings: [],
    [Symbol.dispose]: () => files[Symbol.dispose](),
  };
}

async function unpacked(
  blobs: LayoutBlobs,
  layers: readonly LayerOfImage[],
  own: string,
  { rootless }: OpenImageOptions,
): Promise<LayeredRoot> {
  const directory = join(own, "rootfs");
  const losses = await unpackLayers(blobs, layers, directory, { keepOwners: !rootless });
  const root = new RootDirectory(directory);
  return {
    rootfs: { kind: "directory", path: directory },
    readFile: (path, bytesMax) => root.readFile(path, bytesMax),
    warnings: losses,
    [Symbol.dispose]: () => root[Symbol.dispose](),
  };
}

function checkImage(manifest: Manifest, config: ImageConfig, platform: Platform): void {
  const { layers } = manifest;
  if (layers.length > LAYERS_MAX) {
    throw new OrlopError("exhausted", `Cannot use image: it has ${layers.length} layers, more than ${LAYERS_MAX}`);
  }
  if (layers.length !== config.rootfs.diff_ids.length) {
    const what = `its manifest has ${layers.length} layers and its config ${config.rootfs.diff_ids.length}`;
    throw new OrlopError("invalid", `Cannot use image: ${what}`);
  }
  if (config.os !== platform.os || config.architecture !== platform.architecture) {
    throw new OrlopError(
      "unsupported",
      `Cannot use image: it is for ${platformName(config)}, and this machine is ${platformName(platform)}`,
    );
  }
}
