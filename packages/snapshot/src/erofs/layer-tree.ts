import { type LayerEntry, OrlopError } from "@orlop/core";
import { parseLayerPath, parseWhiteout, refusedEntry } from "@orlop/image";

/** A limit on what one layer may hold; each entry takes memory until the layer is written. */
const ENTRIES_MAX = 4_000_000;
/** As the kernel has it: include/linux/namei.h, MAXSYMLINKS. */
const LINKS_MAX = 40;

type Attributes = Pick<LayerEntry, "mode" | "uid" | "gid" | "mtime" | "mtimeNanoseconds" | "xattrs">;

/** What a layer does not describe and no layer below has. */
const IMPLIED: Attributes = { mode: 0o755, uid: 0, gid: 0, mtime: 0, mtimeNanoseconds: 0, xattrs: new Map() };

export interface Directory {
  readonly kind: "directory";
  readonly name: string;
  readonly parent: Directory | undefined;
  readonly children: Map<string, TreeNode<unknown>>;
  attributes: Attributes;
  /** What the layers below have in it is hidden. */
  opaque: boolean;
}

/** Anything but a directory. Hard links are one leaf under several names. */
export interface Leaf<Content> {
  readonly kind: "leaf";
  readonly type: Exclude<LayerEntry["kind"], "directory" | "hard-link">;
  readonly attributes: Attributes;
  /** Of a link. */
  readonly target: string;
  readonly device: LayerEntry["device"];
  readonly size: number;
  readonly content: Content;
}

type TreeNode<Content> = Directory | Leaf<Content> | { readonly kind: "whiteout" };

const WHITEOUT = { kind: "whiteout" } as const;

/**
 * The entries of a layer as a tree, whatever their order, as unpacking them one after the other would make it. Entries
 * below a link go where it points, to the layers below, too; nothing leads out of the root.
 */
export class LayerTree<Content> {
  readonly root: Directory = directory("", undefined, IMPLIED);
  /** The layers below, the uppermost first. */
  readonly #below: readonly LayerTree<unknown>[];
  #entries = 0;

  constructor(below: readonly LayerTree<unknown>[]) {
    this.#below = below;
    const described = below[0]?.root.attributes;
    if (described !== undefined) this.root.attributes = described;
  }

  /**
   * `content` is that of a file. Throws `invalid` for what no layer may have, `unsupported` for a hard link to a file of a
   * layer below, `exhausted` for too many entries.
   */
  add(entry: LayerEntry, content: Content): void {
    if (++this.#entries > ENTRIES_MAX) {
      throw new OrlopError("exhausted", `Cannot read layer: it has more than ${ENTRIES_MAX} entries`);
    }
    const { parents, name } = parseLayerPath(entry.path);
    if (name === undefined) {
      this.root.attributes = attributesOf(entry);
      return;
    }
    const place = this.#enter(this.root, parents, entry.path, { left: LINKS_MAX });
    const whiteout = parseWhiteout(name, entry.path);
    if (whiteout === undefined) this.#put(place, name, entry, content);
    else if (whiteout.kind === "opaque") place.opaque = true;
    else if (whiteout.kind === "hides") hide(place, whiteout.name);
  }

  #put(place: Directory, name: string, entry: LayerEntry, content: Content): void {
    const before = place.children.get(name);
    const { kind } = entry;
    if (kind === "directory") {
      if (before?.kind === "directory") before.attributes = attributesOf(entry);
      else place.children.set(name, directory(name, place, attributesOf(entry), before?.kind === "whiteout"));
      return;
    }
    if (kind === "hard-link") {
      place.children.set(name, this.#linked(entry));
      return;
    }
    const { target, device, size } = entry;
    // A device of these numbers is how overlay itself writes a whiteout.
    if (kind === "character-device" && device.major === 0 && device.minor === 0) hide(place, name);
    else
      place.children.set(name, {
        kind: "leaf",
        type: kind,
        attributes: attributesOf(entry),
        target,
        device,
        size,
        content,
      });
  }

  #linked(entry: LayerEntry): Leaf<unknown> {
    const { parents, name } = parseLayerPath(entry.target);
    if (name === undefined) throw refusedEntry(entry.path, "it links to a directory");
    const place = this.#enter(this.root, parents, entry.path, { left: LINKS_MAX });
    const found = place.children.get(name);
    if (found?.kind === "leaf") return found;
    if (found?.kind === "directory") throw refusedEntry(entry.path, "it links to a directory");
    const below = found === undefined && this.#lookBelow(place, name) !== undefined;
    if (!below) throw refusedEntry(entry.path, `it links to "${entry.target}", which is not there`);
    throw new OrlopError("unsupported", `Cannot use layer: "${entry.path}" is a link to a file of a layer below`);
  }

  /** The directory at the end of a path, made where it is not there. */
  #enter(from: Directory, names: readonly string[], path: string, links: { left: number }): Directory {
    let at = from;
    for (const name of names) {
      if (name === "" || name === ".") continue;
      at = name === ".." ? (at.parent ?? at) : this.#step(at, name, path, links);
    }
    return at;
  }

  #step(at: Directory, name: string, path: string, links: { left: number }): Directory {
    const own = at.children.get(name);
    if (own?.kind === "directory") return own;
    const below = own === undefined ? this.#lookBelow(at, name) : undefined;
    const found = own?.kind === "leaf" ? own : below;
    if (found?.kind !== "leaf") {
      const made = directory(name, at, below?.kind === "directory" ? below.attributes : IMPLIED, own !== undefined);
      at.children.set(name, made);
      return made;
    }
    if (found.type !== "symlink") throw refusedEntry(path, `"${name}" in its path is not a directory`);
    if (links.left-- === 0) throw refusedEntry(path, "its path goes through too many links");
    return this.#enter(found.target.startsWith("/") ? this.root : at, found.target.split("/"), path, links);
  }

  #lookBelow(place: Directory, name: string): TreeNode<unknown> | undefined {
    const names = [name];
    for (let at: Directory | undefined = place; at !== undefined; at = at.parent) {
      if (at.opaque) return undefined;
      if (at.parent !== undefined) names.unshift(at.name);
    }
    for (const layer of this.#below) {
      const found = find(layer.root, names);
      if (found === "hidden") return undefined;
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

/** What one layer has at a path; "hidden" when it also ends the look at those below. */
function find(root: Directory, names: readonly string[]): TreeNode<unknown> | "hidden" | undefined {
  let at: TreeNode<unknown> = root;
  let isOpaque = false;
  for (const name of names) {
    if (at.kind !== "directory") return "hidden";
    isOpaque ||= at.opaque;
    const child: TreeNode<unknown> | undefined = at.children.get(name);
    if (child === undefined) return isOpaque ? "hidden" : undefined;
    at = child;
  }
  return at.kind === "whiteout" ? "hidden" : at;
}

function hide(place: Directory, name: string): void {
  const before = place.children.get(name);
  // What the layer itself has there is not hidden; a file of its own hides what is below anyway.
  if (before?.kind === "directory") before.opaque = true;
  else if (before === undefined) place.children.set(name, WHITEOUT);
}

function directory(name: string, parent: Directory | undefined, attributes: Attributes, opaque = false): Directory {
  return { kind: "directory", name, parent, children: new Map(), attributes, opaque };
}

function attributesOf({ mode, uid, gid, mtime, mtimeNanoseconds, xattrs }: LayerEntry): Attributes {
  return { mode, uid, gid, mtime, mtimeNanoseconds, xattrs: copyOf(xattrs) };
}

/** The values are views of larger buffers. */
function copyOf(xattrs: ReadonlyMap<string, Buffer>): ReadonlyMap<string, Buffer> {
  if (xattrs.size === 0) return xattrs;
  return new Map([...xattrs].map(([name, value]) => [name, Buffer.from(value)]));
}
