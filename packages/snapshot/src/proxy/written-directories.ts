import { dirname } from "node:path";
import { OrlopError, type OverlayLayer, type SnapshotMount } from "@orlop/core";
import { DirectoryLayer } from "../directory/directory-layer.ts";
import { upperFacts } from "../directory/upper-facts.ts";
import { ErofsLayer } from "../erofs/erofs-layer.ts";
import type { LowerLayer } from "../layer/lower-layer.ts";
import { rootFilesystem } from "../mounts/root-filesystem.ts";
import type { SystemCalls } from "../system/system-calls.ts";

/** Where what is written to an active snapshot of somebody else's goes, and what lies below. */
export interface WrittenDirectories {
  readonly upper: string;
  /** A directory on the same file system, which the snapshot leaves to overlay. */
  readonly work: string;
  /** The uppermost first. */
  readonly lower: readonly OverlayLayer[];
}

/**
 * As a snapshot's mounts show it.
 *
 * @param what completes `Cannot`: `apply layer to snapshot "x"`
 * @throws OrlopError `unsupported` for other mounts than those of bind and overlay, `conflict` for what can only be read
 */
export function writtenDirectories(what: string, mounts: readonly SnapshotMount[]): WrittenDirectories {
  const root = rootFilesystem(mounts);
  if (root.kind === "directory") return { upper: root.path, work: dirname(root.path), lower: [] };
  if (root.kind === "disk") {
    const way = "Try a snapshotter of orlop's own: blockfile or devmapper.";
    throw new OrlopError(
      "unsupported",
      `Cannot ${what}: it is a disk, which does not tell what is written from the rest\n${way}`,
    );
  }
  if (root.kind !== "overlay" || typeof root.writes === "string") {
    throw new OrlopError("conflict", `Cannot ${what}: it can only be read`);
  }
  return { ...root.writes, lower: root.lower };
}

/** Layers as they are read; disposed of with the stack. `scratch` is as for `readXattrs`. */
export async function openLower(
  layers: readonly OverlayLayer[],
  {
    system,
    scratch,
    stack,
  }: { readonly system: SystemCalls; readonly scratch: string; readonly stack: DisposableStack },
): Promise<readonly LowerLayer[]> {
  const opened: LowerLayer[] = [];
  for (const each of layers) {
    if (typeof each === "string") opened.push(new DirectoryLayer(each, await upperFacts(each, { system, scratch })));
    else opened.push(stack.use(new ErofsLayer(each.erofs, each.device)));
  }
  return opened;
}
