import {
  chmodSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  renameSync,
  symlinkSync,
} from "node:fs";
import { join } from "node:path";
import { anybodysXattrs } from "../layer/layer-losses.ts";
import type { Attributes } from "../layer/lower-layer.ts";
import { withoutOverlays } from "../layer/overlay-xattrs.ts";
import type { Directory, Leaf } from "../layer/tree-node.ts";
import type { SpecialFile } from "../system/special-files.ts";
import { type DescribedDirectory, describeDirectories } from "./describe-directories.ts";
import type { DirectoryLayer } from "./directory-layer.ts";
import type { FileFacts } from "./file-facts.ts";

/** A name of a staged file; undefined for what has no content. */
export type Staged = string | undefined;

/** All that Linux has (xattr(7)): names of other systems' no file here could have. */
const NAMESPACES = /^(?:security|system|trusted|user)\./;

interface PlacingOptions {
  readonly staging: string;
  readonly keepOwners: boolean;
  readonly overlayXattrs: "trusted" | "user";
  /** What is in the directory already; absent: it is made. */
  readonly onto?: DirectoryLayer;
}

/** A tree on its way into a directory. */
export class TreePlacing implements FileFacts {
  readonly opaque: Set<string> = new Set();
  readonly xattrs: Map<string, ReadonlyMap<string, Buffer>> = new Map();
  readonly specials: SpecialFile[] = [];
  /** For when nothing is made in directories any more. */
  readonly times: SpecialFile[] = [];
  readonly #root: string;
  readonly #options: PlacingOptions;
  /** Where leaves are, for their further names. */
  readonly #placed = new Map<Leaf<unknown>, string>();
  /** Those above first. */
  readonly #directories: DescribedDirectory[] = [];
  #cleared = 0;

  constructor(root: string, options: PlacingOptions) {
    this.#root = root;
    this.#options = options;
  }

  place(root: Directory): void {
    const waiting = [{ directory: root, path: "" }];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const { directory, path } = next;
      this.#makeDirectory(directory, path);
      for (const [name, node] of directory.children) {
        const below = path === "" ? name : `${path}/${name}`;
        if (node.kind === "directory") waiting.push({ directory: node, path: below });
        else if (node.kind === "whiteout") this.#hide(below);
        else if (node.kind === "leaf") this.#placeLeaf(node as Leaf<Staged>, below);
      }
    }
  }

  /** Owners, modes and times, those of what is below first: nothing is made in them any more. */
  describeDirectories(): void {
    describeDirectories(this.#root, this.#directories, this.#options.keepOwners);
  }

  #hide(path: string): void {
    if (this.#options.onto === undefined) this.specials.push({ kind: "whiteout", path });
    else this.#clear(path);
  }

  #makeDirectory(directory: Directory, path: string): void {
    const { attributes } = directory;
    const isKept = this.#options.onto !== undefined && this.#keepsDirectory(directory, path);
    if (!isKept) mkdirSync(join(this.#root, path), { mode: 0o700 });
    this.#directories.push({ path, attributes });
    this.#noteTime(path, attributes);
    if (isKept) this.#dropXattrs(path, attributes);
    this.#noteXattrs(path, attributes, true);
    if (!directory.opaque || directory.parent === undefined || this.#options.onto !== undefined) return;
    this.opaque.add(path);
    const name = `${this.#options.overlayXattrs}.overlay.opaque`;
    this.specials.push({ kind: "xattr", path, name, value: Buffer.from("y") });
  }

  /** Whether a directory is there already; what is not to be seen any more makes way. */
  #keepsDirectory({ opaque, parent }: Directory, path: string): boolean {
    const place = join(this.#root, path);
    if (parent === undefined) {
      // What is on its way may lie in the root itself, where that is all there is on a file system.
      const { staging } = this.#options;
      if (opaque) for (const name of readdirSync(place)) if (join(place, name) !== staging) this.#clear(name);
      return true;
    }
    const found = lstatSync(place, { throwIfNoEntry: false });
    if (found?.isDirectory() && !opaque) {
      if (!this.#options.keepOwners) chmodSync(place, 0o700);
      return true;
    }
    this.#clear(path);
    return false;
  }

  /** Moves what is there out of the way. */
  #clear(path: string): void {
    const place = join(this.#root, path);
    const found = lstatSync(place, { throwIfNoEntry: false });
    if (found === undefined) return;
    // Who moves a directory writes to its "..".
    if (found.isDirectory() && !this.#options.keepOwners) chmodSync(place, 0o700);
    renameSync(place, join(this.#options.staging, `cleared-${this.#cleared++}`));
  }

  #placeLeaf(leaf: Leaf<Staged>, path: string): void {
    const place = join(this.#root, path);
    const { type, attributes, target, device, content } = leaf;
    const known = this.#placed.get(leaf);
    const { keepOwners, staging, onto } = this.#options;
    if (onto !== undefined) this.#clear(path);
    const isNode = type !== "file" && type !== "symlink";
    if (!keepOwners && (type === "character-device" || type === "block-device")) return;
    this.#noteXattrs(path, attributes, known === undefined);
    if (known === undefined && !isNode) this.#noteTime(path, attributes);
    if (known !== undefined && !isNode) linkSync(known, place);
    else if (content !== undefined) renameSync(join(staging, content), place);
    else if (isNode) this.specials.push({ kind: "node", path, type, device, attributes });
    else {
      symlinkSync(target, place);
      if (keepOwners) lchownSync(place, attributes.uid, attributes.gid);
      lutimesSync(place, attributes.mtime, attributes.mtime);
    }
    this.#placed.set(leaf, place);
  }

  #noteTime(path: string, attributes: Attributes): void {
    if (attributes.mtimeNanoseconds === 0) return;
    this.times.push({ kind: "time", path: path === "" ? "." : path, attributes });
  }

  /** Of a directory that was there, those that it does not have any more. */
  #dropXattrs(path: string, { xattrs }: Attributes): void {
    for (const name of this.#options.onto?.facts.xattrs.get(path)?.keys() ?? []) {
      if (!xattrs.has(name))
        this.specials.push({ kind: "xattr", path: path === "" ? "." : path, name, value: undefined });
    }
  }

  #noteXattrs(path: string, attributes: Attributes, isNew: boolean): void {
    const kept = this.#options.keepOwners ? attributes.xattrs : anybodysXattrs(attributes.xattrs);
    const own = new Map([...withoutOverlays(kept)].filter(([name]) => NAMESPACES.test(name)));
    if (own.size === 0) return;
    this.xattrs.set(path, own);
    if (!isNew) return;
    for (const [name, value] of own) this.specials.push({ kind: "xattr", path: path === "" ? "." : path, name, value });
  }
}
