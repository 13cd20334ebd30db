import { mkdtempSync, readdirSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { type LayerEntry, OrlopError, type OverlayLayer, type SnapshotMount } from "@orlop/core";
import { systemFailure } from "@orlop/kernel";
import { DirectoryLayer } from "../directory/directory-layer.ts";
import { DirectoryLayerWriter } from "../directory/directory-layer-writer.ts";
import { upperFacts } from "../directory/upper-facts.ts";
import { ErofsLayer } from "../erofs/erofs-layer.ts";
import type { LowerLayer } from "../layer/lower-layer.ts";
import { rootFilesystem } from "../mounts/root-filesystem.ts";
import { removeTree } from "../store/remove-tree.ts";
import type { SystemCalls } from "../system/system-calls.ts";

/** The place of a layer in an active snapshot of somebody else's, as its mounts show it: an upper directory of overlay. */
export class LayerTarget {
  readonly #key: string;
  readonly #system: SystemCalls;
  readonly #upper: string;
  /** A directory on the same file system, which the snapshot leaves to overlay. */
  readonly #work: string;
  readonly #lower: readonly OverlayLayer[];

  /** @throws OrlopError `unsupported` for mounts that a layer cannot be written to */
  constructor(key: string, mounts: readonly SnapshotMount[], system: SystemCalls) {
    this.#key = key;
    this.#system = system;
    const root = rootFilesystem(mounts);
    if (root.kind === "directory") {
      this.#upper = root.path;
      this.#work = dirname(root.path);
      this.#lower = [];
    } else {
      if (root.kind !== "overlay" || typeof root.writes === "string") {
        throw new OrlopError("conflict", `Cannot apply layer to snapshot "${key}": it can only be read`);
      }
      this.#upper = root.writes.upper;
      this.#work = root.writes.work;
      this.#lower = root.lower;
    }
  }

  /** All of it or nothing: the layer gets its place when it is whole. */
  async write(entries: AsyncIterable<LayerEntry>): Promise<void> {
    const refused = (what: string): OrlopError =>
      new OrlopError("conflict", `Cannot apply layer to snapshot "${this.#key}": ${what}`);
    if (readdirSync(this.#upper).length > 0) throw refused("it holds something already");
    const place = mkdtempSync(join(this.#work, "orlop-"));
    await using stack = new AsyncDisposableStack();
    stack.defer(() => removeTree(place));
    const below: LowerLayer[] = [];
    for (const each of this.#lower) below.push(await this.#open(each, join(place, "scratch"), stack));
    const isRoot = process.geteuid?.() === 0;
    const writer = new DirectoryLayerWriter(below, {
      staging: mkdtempSync(join(place, "staging-")),
      system: this.#system,
      keepOwners: isRoot,
      overlayXattrs: isRoot ? "trusted" : "user",
    });
    await writer.add(entries);
    const made = join(place, "layer");
    await writer.finish(made, below);
    try {
      // An empty directory is replaced, one that somebody has written to meanwhile is not: rename(2).
      renameSync(made, this.#upper);
    } catch (error) {
      throw systemFailure(`apply layer to snapshot "${this.#key}"`, error);
    }
  }

  async #open(lower: OverlayLayer, scratch: string, stack: AsyncDisposableStack): Promise<LowerLayer> {
    if (typeof lower !== "string") {
      const layer = new ErofsLayer(lower.erofs);
      stack.defer(() => layer[Symbol.dispose]());
      return layer;
    }
    const facts = await upperFacts(lower, { system: this.#system, scratch });
    return new DirectoryLayer(lower, facts);
  }
}
