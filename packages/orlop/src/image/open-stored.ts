import { rmSync } from "node:fs";
import { arch } from "node:os";
import { join } from "node:path";
import type { OrlopError, Platform } from "@orlop/core";
import {
  ArchiveFile,
  DirectoryFiles,
  type OpenedImage,
  openDockerArchive,
  openLayoutImage,
  readLayer,
  type StoredLayer,
} from "@orlop/image";
import { RootDirectory } from "@orlop/snapshot/root-directory";
import { OwnDirectory } from "../run/own-directory.ts";
import type { Image, OpenImageOptions } from "./image.ts";
import type { ImageReference } from "./image-reference.ts";
import { uncompressedArchive } from "./uncompressed-archive.ts";

/** Go's names for processors, as images use them. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

type StoredReference = Extract<ImageReference, { kind: "oci-layout" | "oci-archive" | "docker-archive" }>;

/**
 * Makes the root file system of an image that is stored on this machine, in a directory of its own that goes away with
 * the result.
 *
 * @throws OrlopError
 */
export async function openStored(reference: StoredReference, options: OpenImageOptions): Promise<Image> {
  using stack = new DisposableStack();
  const parent = process.env.TMPDIR ?? "/var/tmp";
  const platform: Platform = { os: "linux", architecture: ARCHITECTURES[arch()] ?? arch() };
  // The directory comes last: what cannot be opened needs none.
  let own: string | undefined;
  const ownDirectory = (): string => {
    own ??= stack.use(new OwnDirectory(parent, "orlop-image", 0o700)).path;
    return own;
  };
  const opened = await open(reference, platform, { stack, ownDirectory });
  const root =
    (await mountable(opened.layers, ownDirectory(), options)) ??
    (await unpacked(opened.layers, ownDirectory(), options));
  stack.use(root);
  const cleanUp = stack.move();
  const { rootfs, warnings } = root;
  return {
    rootfs,
    mounts: [],
    config: opened.config.config ?? {},
    readFile: (path, bytesMax) => root.readFile(path, bytesMax),
    isHost: false,
    warnings,
    [Symbol.asyncDispose]: async () => cleanUp.dispose(),
  };
}

interface Surroundings {
  readonly stack: DisposableStack;
  readonly ownDirectory: () => string;
}

async function open(
  reference: StoredReference,
  platform: Platform,
  { stack, ownDirectory }: Surroundings,
): Promise<OpenedImage> {
  const { kind, path, tag } = reference;
  if (kind === "oci-layout") return openLayoutImage(new DirectoryFiles(path), tag, platform);
  const archive = stack.use(await ArchiveFile.open(await uncompressedArchive(path, ownDirectory), path));
  return kind === "oci-archive" ? openLayoutImage(archive, tag, platform) : openDockerArchive(archive, tag, platform);
}

interface LayeredRoot extends Pick<Image, "rootfs" | "readFile" | "warnings">, Disposable {}

/** As images that are mounted from their files; undefined where they cannot be, or cannot hold what the layers have. */
async function mountable(
  layers: readonly StoredLayer[],
  own: string,
  { rootless }: OpenImageOptions,
): Promise<LayeredRoot | undefined> {
  if (rootless || layers.length === 0) return undefined;
  const { ErofsLayer, erofsObstacle, LayeredFiles, writeErofs } = await import("@orlop/snapshot");
  if (erofsObstacle() !== undefined) return undefined;
  const paths: string[] = [];
  using stack = new DisposableStack();
  const below: InstanceType<typeof ErofsLayer>[] = [];
  try {
    for (const layer of layers) {
      const path = join(own, `${paths.length}.erofs`);
      await writeErofs(path, readLayer(layer), below);
      paths.unshift(path);
      below.unshift(stack.use(new ErofsLayer(path)));
    }
  } catch (error) {
    if ((error as Partial<OrlopError>).code !== "unsupported") throw error;
    for (const path of paths) rmSync(path);
    return undefined;
  }
  const files = new LayeredFiles(paths.map((path) => ({ erofs: path })));
  return {
    rootfs: { kind: "overlay", lower: paths.map((path) => ({ erofs: path })), writes: "discard" },
    readFile: (path, bytesMax) => files.readFile(path, bytesMax),
    warnings: [],
    [Symbol.dispose]: () => files[Symbol.dispose](),
  };
}

async function unpacked(
  layers: readonly StoredLayer[],
  own: string,
  { rootless }: OpenImageOptions,
): Promise<LayeredRoot> {
  const directory = join(own, "rootfs");
  const { unpackLayers } = await import("@orlop/snapshot");
  const losses = await unpackLayers(layers, directory, { keepOwners: !rootless });
  const root = new RootDirectory(directory);
  return {
    rootfs: { kind: "directory", path: directory },
    readFile: (path, bytesMax) => root.readFile(path, bytesMax),
    warnings: losses,
    [Symbol.dispose]: () => root[Symbol.dispose](),
  };
}
