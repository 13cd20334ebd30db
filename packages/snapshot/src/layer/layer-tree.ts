import { type LayerEntry, OrlopError } from "@orlop/core";
import { parseLayerPath, parseWhiteout, refusedEntry } from "@orlop/image";
import { type Attributes, findBelow, type LowerDirectory, type LowerLayer, type LowerLeaf } from "./lower-layer.ts";
import { attributesOf, type Directory, directory, IMPLIED, type Leaf, type TreeNode } from "./tree-node.ts";

/** A limit on what one layer may hold; each entry takes memory until the layer is written. */
const ENTRIES_MAX = 12_000_000;
/** As the kernel has it: include/linux/namei.h, MAXSYMLINKS. */
const LINKS_MAX = 40;

const WHITEOUT = { kind: "whiteout" } as const;

interface TreeOptions<Content> {
  /** The layers below, the uppermost first; absent: not known before `settle`. */
  readonly below?: readonly LowerLayer[] | undefined;
  /** Takes over the content of a file below that the layer has a hard link to. */
  readonly copy: (leaf: LowerLeaf, path: string) => Content;
}

/**
 * The entries of a layer as a tree, whatever their order, as unpacking them one after the other would make it. Entries
 * below a link go where it points, to the layers below, too; nothing leads out of the root.
 *
 * Where the layers below are not known, what depends on them stays open until {@link settle}: directories that are only
 * gone through, and hard links to what is not there.
 */
export class LayerTree<Content> {
  readonly root: Directory = directory("", undefined, IMPLIED);
  readonly #copy: TreeOptions<Content>["copy"];
  #below: readonly LowerLayer[] | undefined;
  /** Directories that no entry describes, those above first. */
  readonly #implied = new Set<Directory>();
  #hasOpenLinks = false;
  /** What has been taken over from below, so that links to it are one file again. */
  readonly #copies = new Map<LowerLeaf, Leaf<Content>>();
  #entries = 0;
  /** Of the last entry. */
  #attributes = IMPLIED;

  constructor({ below, copy }: TreeOptions<Content>) {
    this.#below = below;
    this.#copy = copy;
    this.#implied.add(this.root);
    if (below !== undefined) this.#describeRoot(below);
  }

  /**
   * `content` is that of a file. Throws `invalid` for what no layer may have, `exhausted` for too many entries.
   */
  add(entry: LayerEntry, content: Content): void {
    if (++this.#entries > ENTRIES_MAX) {
      throw new OrlopError("exhausted", `Cannot read layer: it has more than ${ENTRIES_MAX} entries`);
    }
    const { parents, name } = parseLayerPath(entry.path);
    if (name === undefined) {
      this.#describe(this.root, entry);
      return;
    }
    const place = this.#enter(this.root, parents, entry.path, { left: LINKS_MAX });
    const whiteout = parseWhiteout(name, entry.path);
    if (whiteout === undefined) this.#put(place, name, entry, content);
    else if (whiteout.kind === "opaque") place.opaque = true;
    else if (whiteout.kind === "hides") hide(place, whiteout.name);
  }

  /**
   * Settles what was open, now that the layers below are known; without any, there is nothing to hide either. Absent: they
   * will never be known, and hide what they hide.
   *
   * @throws OrlopError `invalid`, as `add`; `unsupported` where it would have to be known in which order entries came
   */
  settle(below: readonly LowerLayer[] | undefined): void {
    const known = this.#below !== undefined;
    this.#below ??= below ?? [];
    if (!known) {
      this.#describeRoot(this.#below);
      for (const each of this.#implied) this.#settleDirectory(each, this.#below);
      if (this.#hasOpenLinks) this.#settleLinks();
    }
    if (below?.length === 0) dropWhiteouts(this.root);
  }

  #describeRoot([first]: readonly LowerLayer[]): void {
    if (first !== undefined && this.#implied.has(this.root)) this.root.attributes = first.root.attributes;
  }

  #describe(place: Directory, entry: LayerEntry): void {
    place.attributes = this.#attributesOf(entry);
    this.#implied.delete(place);
  }

  #put(place: Directory, name: string, entry: LayerEntry, content: Content): void {
    const before = place.children.get(name);
    const { kind, target, device, size } = entry;
    if (kind === "directory") {
      if (before?.kind === "directory") this.#describe(before, entry);
      else place.children.set(name, directory(name, place, this.#attributesOf(entry), before?.kind === "whiteout"));
    } else if (kind === "hard-link") {
      place.children.set(name, this.#linked(entry));
    } else if (kind === "character-device" && device.major === 0 && device.minor === 0) {
      // A device of these numbers is how overlay itself writes a whiteout.
      hide(place, name);
    } else {
      const attributes = this.#attributesOf(entry);
      place.children.set(name, { kind: "leaf", type: kind, attributes, target, device, size, content, index: 0 });
    }
  }

  #attributesOf(entry: LayerEntry): Attributes {
    this.#attributes = attributesOf(entry, this.#attributes);
    return this.#attributes;
  }

  #linked({ path, target }: LayerEntry): TreeNode<unknown> {
    const to = this.#placeOf(target, path);
    const found = to.place.children.get(to.name);
    if (found?.kind === "leaf" || found?.kind === "open-link") return found;
    if (found?.kind === "directory") throw refusedEntry(path, "it links to a directory");
    if (found !== undefined) throw noTarget(path, target);
    if (this.#below !== undefined) return this.#linkedBelow(target, path);
    this.#hasOpenLinks = true;
    return { kind: "open-link", path, target };
  }

  #linkedBelow(target: string, path: string): Leaf<Content> {
    const { place, name } = this.#placeOf(target, path);
    const found = this.#lookBelow(place, name);
    if (found === undefined) throw noTarget(path, target);
    if (found.kind === "directory") throw refusedEntry(path, "it links to a directory");
    let copy = this.#copies.get(found);
    if (copy === undefined) {
      const { type, attributes, device, size } = found;
      const content = this.#copy(found, path);
      copy = { kind: "leaf", type, attributes, target: found.target, device, size, content, index: 0 };
      this.#copies.set(found, copy);
    }
    return copy;
  }

  #placeOf(target: string, path: string): { readonly place: Directory; readonly name: string } {
    const { parents, name } = parseLayerPath(target);
    if (name === undefined) throw refusedEntry(path, "it links to a directory");
    return { place: this.#enter(this.root, parents, path, { left: LINKS_MAX }), name };
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
    if (own?.kind === "open-link") throw refusedEntry(path, `"${name}" in its path is not a directory`);
    if (found?.kind !== "leaf") {
      const made = directory(name, at, below?.attributes ?? IMPLIED, own !== undefined);
      at.children.set(name, made);
      if (own === undefined && this.#below === undefined) this.#implied.add(made);
      return made;
    }
    if (found.type !== "symlink") throw refusedEntry(path, `"${name}" in its path is not a directory`);
    if (links.left-- === 0) throw refusedEntry(path, "its path goes through too many links");
    return this.#enter(found.target.startsWith("/") ? this.root : at, found.target.split("/"), path, links);
  }

  #lookBelow(place: Directory, name: string): LowerDirectory | LowerLeaf | undefined {
    const names = [name];
    for (let at: Directory | undefined = place; at !== undefined; at = at.parent) {
      if (at.opaque) return undefined;
      if (at.parent !== undefined) names.unshift(at.name);
    }
    return findBelow(this.#below ?? [], names);
  }

  #settleDirectory(open: Directory, below: readonly LowerLayer[]): void {
    const { parent, name } = open;
    if (parent?.children.get(name) !== open || below.length === 0) return;
    const found = this.#lookBelow(parent, name);
    if (found?.kind === "directory") open.attributes = found.attributes;
    if (found?.kind !== "leaf") return;
    parent.children.delete(name);
    const path = pathOf(open);
    this.#merge(this.#step(parent, name, path, { left: LINKS_MAX }), open, path);
  }

  #settleLinks(): void {
    for (const { children } of directoriesOf(this.root)) {
      for (const [name, node] of children) {
        if (node.kind === "open-link") children.set(name, this.#linkedBelow(node.target, node.path));
      }
    }
  }

  /** Puts what a directory holds into another; which of two things came later is not known any more. */
  #merge(into: Directory, from: Directory, path: string): void {
    const waiting = [{ into, from }];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const { into, from } = next;
      if (from.opaque) throw unknownOrder(path);
      for (const [name, node] of from.children) {
        const before = into.children.get(name);
        if (before === undefined) {
          into.children.set(name, node);
          if (node.kind === "directory") node.parent = into;
        } else if (before.kind === "directory" && node.kind === "directory" && this.#implied.has(node)) {
          waiting.push({ into: before, from: node });
        } else throw unknownOrder(`${path}/${name}`);
      }
    }
  }
}

function noTarget(path: string, target: string): OrlopError {
  return refusedEntry(path, `it links to "${target}", which is not there`);
}

function hide(place: Directory, name: string): void {
  const before = place.children.get(name);
  // What the layer itself has there is not hidden; a file of its own hides what is below anyway.
  if (before?.kind === "directory") before.opaque = true;
  else if (before === undefined) place.children.set(name, WHITEOUT);
}

function unknownOrder(path: string): OrlopError {
  const what = `"${path}" goes through a link of a layer below to what the layer has, too`;
  return new OrlopError(
    "unsupported",
    `Cannot put layer on others: ${what}\nTry to apply it to a snapshot on its parent.`,
  );
}

function pathOf(place: Directory): string {
  const names: string[] = [];
  for (let at = place; at.parent !== undefined; at = at.parent) names.unshift(at.name);
  return names.join("/");
}

function dropWhiteouts(root: Directory): void {
  for (const each of directoriesOf(root)) {
    each.opaque = false;
    for (const [name, { kind }] of each.children) if (kind === "whiteout") each.children.delete(name);
  }
}

/** Itself and all below. Not by recursion: links can make trees deeper than any path. */
function* directoriesOf(root: Directory): Generator<Directory> {
  const waiting = [root];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    yield next;
    for (const node of next.children.values()) if (node.kind === "directory") waiting.push(node);
  }
}
