import type { OverlayLayer, RootFilesystem } from "@orlop/core";
import type { SnapshotRoot } from "@orlop/engine";
import type { StoredImage } from "@orlop/image";
import { LayeredFiles } from "@orlop/snapshot";
import type { Image } from "./image.ts";

interface SnapshotImage {
  /** What is written to. */
  readonly root: SnapshotRoot;
  readonly rootfs: RootFilesystem;
  /** The image that it is of. */
  readonly stored: StoredImage;
}

/** An image whose root file system is a snapshot; what is opened to read its files is closed with the stack. */
export function snapshotImage(
  { root, rootfs, stored }: SnapshotImage,
  stack: AsyncDisposableStack,
): Omit<Image, typeof Symbol.asyncDispose> {
  const files = filesOf(rootfs, stack);
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

/** Of snapshots there are no other kinds of root file systems. */
function layersOf(rootfs: RootFilesystem): readonly OverlayLayer[] {
  if (rootfs.kind === "overlay") return rootfs.lower;
  return rootfs.kind === "directory" ? [rootfs.path] : [];
}

/** Opened no sooner than something is read. */
function filesOf(rootfs: RootFilesystem, stack: AsyncDisposableStack): () => LayeredFiles {
  let files: LayeredFiles | undefined;
  stack.defer(() => files?.[Symbol.dispose]());
  return () => {
    files ??= new LayeredFiles(layersOf(rootfs));
    return files;
  };
}
