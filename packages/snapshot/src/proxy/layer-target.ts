import { mkdtempSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { type LayerEntry, OrlopError, type SnapshotMount } from "@orlop/core";
import { systemFailure } from "@orlop/kernel";
import { DirectoryLayerWriter } from "../directory/directory-layer-writer.ts";
import { removeTree } from "../store/remove-tree.ts";
import type { SystemCalls } from "../system/system-calls.ts";
import { openLower, type WrittenDirectories, writtenDirectories } from "./written-directories.ts";

/** The place of a layer in an active snapshot of somebody else's, as its mounts show it: an upper directory of overlay. */
export class LayerTarget {
  readonly #what: string;
  readonly #system: SystemCalls;
  readonly #directories: WrittenDirectories;

  /** @throws OrlopError `unsupported` for mounts that a layer cannot be written to */
  constructor(key: string, mounts: readonly SnapshotMount[], system: SystemCalls) {
    this.#what = `apply layer to snapshot "${key}"`;
    this.#system = system;
    this.#directories = writtenDirectories(this.#what, mounts);
  }

  /** All of it or nothing: the layer gets its place when it is whole. */
  async write(entries: AsyncIterable<LayerEntry>): Promise<void> {
    const { upper, work, lower } = this.#directories;
    if (readdirSync(upper).length > 0) {
      throw new OrlopError("conflict", `Cannot ${this.#what}: it holds something already`);
    }
    const place = mkdtempSync(join(work, "orlop-"));
    await using stack = new AsyncDisposableStack();
    stack.defer(() => removeTree(place));
    const layers = stack.use(new DisposableStack());
    const below = await openLower(lower, { system: this.#system, scratch: join(place, "scratch"), stack: layers });
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
      renameSync(made, upper);
    } catch (error) {
      throw systemFailure(this.#what, error);
    }
  }
}
