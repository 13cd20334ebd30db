import type { OverlayLayer, RootFilesystem } from "@orlop/core";
import type { SnapshotRoot } from "@orlop/engine";
import type { StoredImage } from "@orlop/image";
import { LayeredFiles } from "@orlop/snapshot";
import type { Image } from "./image.ts";

interface SnapshotImage {
  /** What is written to. */
  readonly root: SnapshotRoot;
  readonly rootfs: RootFilesystem;
  /** Where its files are to be read: {@link readableLayers}. */
  readonly layers: readonly OverlayLayer[];
  /** The image that it is of. */
  readonly stored: StoredImage;
  /** The layers are the image's, and no others: its files are the same for every container. */
  readonly isWhole?: boolean;
}

/** The largest file that is kept of an image. */
const KEPT_FILE_MAX_BYTES = 16 * 1024;

/** What was read of images, by path: a daemon reads the same two files for every container, and an image stays as it is. */
const kept = new WeakMap<StoredImage, Map<string, Buffer | undefined>>();

/** An image whose root file system is a snapshot; what is opened to read its files is closed with the stack. */
export function snapshotImage(
  { root, rootfs, layers, stored, isWhole = false }: SnapshotImage,
  stack: AsyncDisposableStack,
): Omit<Image, typeof Symbol.asyncDispose> {
  const files = filesOf(layers, stack);
  const readFile: Image["readFile"] = (path, bytesMax) => files().readFile(path, bytesMax);
  return {
    rootfs,
    mounts: [],
    config: stored.content.config ?? {},
    root,
    id: stored.config.digest,
    readFile: isWhole ? keepingFiles(stored, readFile) : readFile,
    isHost: false,
    warnings: [],
  };
}

function keepingFiles(stored: StoredImage, readFile: Image["readFile"]): Image["readFile"] {
  const files = kept.get(stored) ?? new Map<string, Buffer | undefined>();
  kept.set(stored, files);
  return (path, bytesMax) => {
    const known = files.get(path);
    if (files.has(path) && (known?.length ?? 0) <= bytesMax) return known;
    const content = readFile(path, bytesMax);
    if ((content?.length ?? 0) <= KEPT_FILE_MAX_BYTES) files.set(path, content);
    return content;
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
    case "disk": {
      const { openDiskRoot } = await import("./open-disk-root.ts");
      return [stack.use(await openDiskRoot(rootfs)).path];
    }
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
