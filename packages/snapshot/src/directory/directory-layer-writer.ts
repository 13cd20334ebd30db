import { linkSync } from "node:fs";
import { join } from "node:path";
import { type Labels, type LayerEntry, OrlopError } from "@orlop/core";
import { LayerLosses } from "../layer/layer-losses.ts";
import { LayerTree } from "../layer/layer-tree.ts";
import type { LowerLayer, LowerLeaf } from "../layer/lower-layer.ts";
import { makeSpecialFiles } from "../system/special-files.ts";
import type { SystemCalls } from "../system/system-calls.ts";
import type { DirectoryLayer } from "./directory-layer.ts";
import type { FileFacts } from "./file-facts.ts";
import { StagedFile } from "./staged-file.ts";
import { type Staged, TreePlacing } from "./tree-placing.ts";

/** A limit on what one layer may unpack to; zeros count, too. */
const UNPACKED_MAX_BYTES = 256 * 1024 ** 3;

interface DirectoryLayerOptions {
  /** A directory that is empty, for content on its way. */
  readonly staging: string;
  readonly system: SystemCalls;
  /** Owners are set. An ordinary user has only one to give, and cannot make devices and all attributes either. */
  readonly keepOwners: boolean;
  /** `user` in a user namespace, where overlay does not use the other. */
  readonly overlayXattrs: "trusted" | "user";
  /**
   * The directory that the layer goes into, which shows what is below: what the layer says is done to it. Absent: it is made,
   * and holds what overlay puts over others. It has facts of its directories.
   */
  readonly onto?: DirectoryLayer;
}

/**
 * Writes a layer into a directory as overlay takes it. Content is staged as it comes; in the end, when the layers below are
 * known, everything gets its place. No path is looked up that was not made just before: links lead nowhere.
 */
export class DirectoryLayerWriter {
  readonly #tree: LayerTree<Staged>;
  readonly #options: DirectoryLayerOptions;
  readonly #losses = new LayerLosses();
  #staged = 0;
  #bytes = 0;

  /** @param below the layers below, the uppermost first; absent: not known before `finish` */
  constructor(below: readonly LowerLayer[] | undefined, options: DirectoryLayerOptions) {
    this.#tree = new LayerTree({ below, copy: (leaf) => this.#copy(leaf) });
    this.#options = options;
  }

  /** @throws OrlopError `invalid`, `unsupported`, `exhausted`, and what the file system says */
  async add(entries: AsyncIterable<LayerEntry>): Promise<void> {
    for await (const entry of entries) {
      if (!this.#options.keepOwners) this.#losses.note(entry);
      this.#tree.add(entry, entry.kind === "file" ? await this.#stage(entry) : undefined);
    }
  }

  /** Puts everything into the directory. Gives what Node cannot read of it later, and labels that say what it has not. */
  async finish(
    path: string,
    below: readonly LowerLayer[],
  ): Promise<{ readonly facts: FileFacts; readonly labels: Labels }> {
    const { system, keepOwners } = this.#options;
    this.#tree.settle(below);
    const placing = new TreePlacing(path, this.#options);
    placing.place(this.#tree.root);
    await makeSpecialFiles(system, path, [...placing.specials, ...placing.times], keepOwners);
    placing.describeDirectories();
    return { facts: placing, labels: this.#losses.labels() };
  }

  async #stage(entry: LayerEntry): Promise<Staged> {
    const name = this.#next(entry.size, entry.path);
    using file = new StagedFile(join(this.#options.staging, name));
    if (entry.size > 0) for await (const chunk of entry.content()) file.write(chunk);
    file.finish(entry, this.#options.keepOwners);
    return name;
  }

  #copy(leaf: LowerLeaf): Staged {
    const { type, size, attributes, content } = leaf;
    if (type !== "file") return undefined;
    const name = this.#next(size, "");
    const place = this.#options.onto?.placeOf(leaf);
    if (place !== undefined) {
      linkSync(place, join(this.#options.staging, name));
      return name;
    }
    using file = new StagedFile(join(this.#options.staging, name));
    for (const chunk of content()) file.write(chunk);
    file.finish(attributes, this.#options.keepOwners);
    return name;
  }

  #next(size: number, path: string): string {
    this.#bytes += size;
    if (this.#bytes <= UNPACKED_MAX_BYTES) return `${this.#staged++}`;
    throw new OrlopError("exhausted", `Cannot unpack "${path}": its layer has more than ${UNPACKED_MAX_BYTES} bytes`);
  }
}
