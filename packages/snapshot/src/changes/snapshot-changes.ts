import type { LayerEntry } from "@orlop/core";
import { parseLayerPath, parseWhiteout } from "@orlop/image";
import { layerChanges, type SnapshotChange } from "../layer/layer-changes.ts";
import { findBelow, type LowerLayer } from "../layer/lower-layer.ts";
import { isSameDirectory } from "./is-same-directory.ts";
import { unusedMountPoints } from "./unused-mount-points.ts";

export interface ChangesOptions {
  /**
   * Absolute paths at which something is mounted that is not the snapshot's. What had to be made there to mount it is no
   * change.
   */
  readonly mountPoints?: readonly string[];
}

interface SnapshotParts {
  /** All that is in the upper directory, each time that it is called. */
  readonly entries: () => AsyncIterable<LayerEntry>;
  /** The layers below, the uppermost first; they are closed with it. */
  readonly below: readonly (LowerLayer & Partial<Disposable>)[];
}

/** What has been written to a snapshot and differs from what is below, as a layer or as a list. */
export class SnapshotChanges implements Disposable {
  readonly #parts: SnapshotParts;
  readonly #mountPoints: readonly string[];

  constructor(parts: SnapshotParts, { mountPoints = [] }: ChangesOptions = {}) {
    this.#parts = parts;
    this.#mountPoints = mountPoints;
  }

  [Symbol.dispose](): void {
    for (const layer of this.#parts.below) layer[Symbol.dispose]?.();
  }

  /**
   * The entries of a layer: of the same files the same. Whoever writes to the snapshot meanwhile is seen half.
   *
   * @throws OrlopError `unsupported` for what a layer cannot say
   */
  async *entries(): AsyncGenerator<LayerEntry> {
    const { entries, below } = this.#parts;
    const unused = await unusedMountPoints(entries(), { below, mountPoints: this.#mountPoints });
    for await (const entry of entries()) {
      if (entry.path === "./") {
        if (!this.#isSameRoot(entry)) yield entry;
      } else if (!unused.has(entry.path) && !this.#saysNothing(entry.path)) yield entry;
    }
  }

  /** The same as changes of what is below, in the order of their paths. */
  async list(): Promise<readonly SnapshotChange[]> {
    return await layerChanges(this.entries(), this.#parts.below);
  }

  /** It hides what the layers below do not have anyway: overlay marks every directory that it makes. */
  #saysNothing(path: string): boolean {
    const { parents, name = "" } = parseLayerPath(path);
    const whiteout = parseWhiteout(name, path);
    const { below } = this.#parts;
    if (whiteout?.kind === "opaque") return findBelow(below, parents)?.kind !== "directory";
    return whiteout?.kind === "hides" && findBelow(below, [...parents, whiteout.name]) === undefined;
  }

  #isSameRoot(entry: LayerEntry): boolean {
    const root = this.#parts.below[0]?.root;
    // Without layers it is as it was made.
    return root === undefined || isSameDirectory(entry, root);
  }
}
