import { mkdirSync } from "node:fs";
import { arch } from "node:os";
import { join } from "node:path";
import {
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
import { OwnDirectory } from "../run/own-directory.ts";
import type { Image, OpenImageOptions } from "./image.ts";
import type { ImageReference } from "./image-reference.ts";
import { LayerWriter } from "./layout/layer-writer.ts";

/** Overlay itself takes 500; no real image has a tenth of them. */
const LAYERS_MAX = 500;

/** Go's names for processors, as images use them. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

type LayoutReference = Extract<ImageReference, { kind: "oci-layout" }>;

/**
 * Unpacks an image of an OCI image layout into a directory of its own, which goes away with the result.
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
  const directory = join(stack.use(new OwnDirectory(parent, "orlop-image", 0o700)).path, "rootfs");
  const warnings = await unpack(blobs, manifest, config, directory, !options.rootless);
  const cleanUp = stack.move();
  return {
    rootfs: { kind: "directory", path: directory },
    mounts: [],
    config: config.config ?? {},
    directory,
    isHost: false,
    warnings,
    [Symbol.dispose]: () => cleanUp.dispose(),
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

async function unpack(
  blobs: LayoutBlobs,
  manifest: Manifest,
  config: ImageConfig,
  directory: string,
  keepOwners: boolean,
): Promise<readonly string[]> {
  mkdirSync(directory, { mode: 0o755 });
  using writer = new LayerWriter(directory, { keepOwners });
  for (const [index, layer] of manifest.layers.entries()) {
    const diffId = config.rootfs.diff_ids[index];
    if (diffId === undefined) continue;
    writer.beginLayer();
    for await (const entry of readLayer(blobs, layer, diffId)) await writer.write(entry);
  }
  writer.finish();
  return writer.losses.sentences();
}
