import type { OverlayLayer, RootFilesystem } from "@orlop/core";
import type { SnapshotRoot } from "@orlop/engine";
import type { StoredImage } from "@orlop/image";
import { LayeredFiles, openDiskRoot } from "@orlop/snapshot";
import type { Image } from "./image.ts";

interface SnapshotImage {
  /** What is written to. */
  readonly root: SnapshotRoot;
  readonly rootfs: RootFilesystem;
  /** Where its files are to be read: {@link readableLayers}. */
  readonly layers: readonly OverlayLayer[];
  /** The image that it is of. */
  readonly stored: StoredImage;
}

/** An image whose root file system is a snapshot; what is opened to read its files is closed with the stack. */
export function snapshotImage(
  { root, rootfs, layers, stored }: SnapshotImage,
  stack: AsyncDisposableStack,
): Omit<Image, typeof Symbol.asyncDispose> {
  const files = filesOf(layers, stack);
  return {
    rootfs,
    mounts: [],
    config: stored.content.config ?? {},
    root,
    id: stored.config.digest,
    readFile: (path, bytesMax) => files().readFile(path, bytesMax),
    isHost: false,
    warnings: [],
  };
}

/** Layers of a snapshot's root file system that can be read without a container; what is opened for that is closed with the stack. */
export async function readableLayers(
  rootfs: RootFilesystem,
  stack: AsyncDisposableStack,
): Promise<readonly OverlayLayer[]> {
  switch (rootfs.kind) {
    case "overlay":
      return rootfs.lower;
    case "directory":
      return [rootfs.path];
    case "disk":
      return [stack.use(await openDiskRoot(rootfs)).path];
    // No snapshot is one.
    case "tree":
      return [];
  }
}

/** Opened no sooner than something is read. */
function filesOf(layers: readonly OverlayLayer[], stack: AsyncDisposableStack): () => LayeredFiles {
  let files: LayeredFiles | undefined;
  stack.defer(() => files?.[Symbol.dispose]());
  return () => {
    files ??= new LayeredFiles(layers);
    return files;
  };
}
