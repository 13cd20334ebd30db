import {
  chmodSync,
  chownSync,
  lchownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  renameSync,
  symlinkSync,
  utimesSync,
} from "node:fs";
import { join } from "node:path";
import { type Labels, type LayerEntry, OrlopError } from "@orlop/core";
import { anybodysXattrs, LayerLosses } from "../layer/layer-losses.ts";
import { LayerTree } from "../layer/layer-tree.ts";
import type { Attributes, LowerLayer, LowerLeaf } from "../layer/lower-layer.ts";
import { withoutOverlays } from "../layer/overlay-xattrs.ts";
import type { Directory, Leaf } from "../layer/tree-node.ts";
import { makeSpecialFiles, type SpecialFile } from "../system/special-files.ts";
import type { SystemCalls } from "../system/system-calls.ts";
import type { FileFacts } from "./file-facts.ts";
import { StagedFile } from "./staged-file.ts";

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
}

/** A name of a staged file; undefined for what has no content. */
type Staged = string | undefined;

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

  /** Puts everything into a new directory. Gives what Node cannot read of it later, and labels that say what it has not. */
  async finish(
    path: string,
    below: readonly LowerLayer[],
  ): Promise<{ readonly facts: FileFacts; readonly labels: Labels }> {
    const { system, staging, keepOwners, overlayXattrs } = this.#options;
    this.#tree.settle(below);
    const placing = new Placing(path, staging, keepOwners, overlayXattrs);
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

  #copy({ type, size, attributes, content }: LowerLeaf): Staged {
    if (type !== "file") return undefined;
    const name = this.#next(size, "");
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

/** A tree on its way into a directory. */
class Placing implements FileFacts {
  readonly opaque = new Set<string>();
  readonly xattrs = new Map<string, ReadonlyMap<string, Buffer>>();
  readonly specials: SpecialFile[] = [];
  /** For when nothing is made in directories any more. */
  readonly times: SpecialFile[] = [];
  readonly #root: string;
  readonly #staging: string;
  readonly #keepOwners: boolean;
  readonly #overlayXattrs: "trusted" | "user";
  /** Where leaves are, for their further names. */
  readonly #placed = new Map<Leaf<unknown>, string>();
  /** Those above first. */
  readonly #directories: { readonly path: string; readonly attributes: Attributes }[] = [];

  constructor(root: string, staging: string, keepOwners: boolean, overlayXattrs: "trusted" | "user") {
    this.#root = root;
    this.#staging = staging;
    this.#keepOwners = keepOwners;
    this.#overlayXattrs = overlayXattrs;
  }

  place(root: Directory): void {
    const waiting = [{ directory: root, path: "" }];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const { directory, path } = next;
      this.#makeDirectory(directory, path);
      for (const [name, node] of directory.children) {
        const below = path === "" ? name : `${path}/${name}`;
        if (node.kind === "directory") waiting.push({ directory: node, path: below });
        else if (node.kind === "whiteout") this.specials.push({ kind: "whiteout", path: below });
        else if (node.kind === "leaf") this.#placeLeaf(node as Leaf<Staged>, below);
      }
    }
  }

  /** Owners, modes and times, those of what is below first: nothing is made in them any more. */
  describeDirectories(): void {
    for (const { path, attributes } of this.#directories.reverse()) {
      const place = join(this.#root, path);
      const { mode, uid, gid, mtime, mtimeNanoseconds } = attributes;
      if (this.#keepOwners) chownSync(place, uid, gid);
      chmodSync(place, mode);
      if (mtimeNanoseconds === 0) utimesSync(place, mtime, mtime);
    }
  }

  #makeDirectory({ attributes, opaque, parent }: Directory, path: string): void {
    mkdirSync(join(this.#root, path), { mode: 0o700 });
    this.#directories.push({ path, attributes });
    this.#noteTime(path, attributes);
    this.#noteXattrs(path, attributes, true);
    if (!opaque || parent === undefined) return;
    this.opaque.add(path);
    const value = Buffer.from("y");
    this.specials.push({ kind: "xattr", path, name: `${this.#overlayXattrs}.overlay.opaque`, value });
  }

  #placeLeaf(leaf: Leaf<Staged>, path: string): void {
    const place = join(this.#root, path);
    const { type, attributes, target, device, content } = leaf;
    const known = this.#placed.get(leaf);
    const isNode = type !== "file" && type !== "symlink";
    if (!this.#keepOwners && (type === "character-device" || type === "block-device")) return;
    this.#noteXattrs(path, attributes, known === undefined);
    if (known === undefined && !isNode) this.#noteTime(path, attributes);
    if (known !== undefined && !isNode) linkSync(known, place);
    else if (content !== undefined) renameSync(join(this.#staging, content), place);
    else if (isNode) this.specials.push({ kind: "node", path, type, device, attributes });
    else {
      symlinkSync(target, place);
      if (this.#keepOwners) lchownSync(place, attributes.uid, attributes.gid);
      lutimesSync(place, attributes.mtime, attributes.mtime);
    }
    this.#placed.set(leaf, place);
  }

  #noteTime(path: string, attributes: Attributes): void {
    if (attributes.mtimeNanoseconds === 0) return;
    this.times.push({ kind: "time", path: path === "" ? "." : path, attributes });
  }

  #noteXattrs(path: string, attributes: Attributes, isNew: boolean): void {
    const kept = this.#keepOwners ? attributes.xattrs : anybodysXattrs(attributes.xattrs);
    const own = withoutOverlays(kept);
    if (own.size === 0) return;
    this.xattrs.set(path, own);
    if (!isNew) return;
    for (const [name, value] of own) this.specials.push({ kind: "xattr", path: path === "" ? "." : path, name, value });
  }
}
