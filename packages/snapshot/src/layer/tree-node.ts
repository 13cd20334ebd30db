import type { LayerEntry } from "@orlop/core";
import type { Attributes, LowerLeaf } from "./lower-layer.ts";

export interface Directory {
  readonly kind: "directory";
  readonly name: string;
  parent: Directory | undefined;
  readonly children: Map<string, TreeNode<unknown>>;
  attributes: Attributes;
  /** What the layers below have in it is hidden. */
  opaque: boolean;
  /** For whoever writes the tree: which one it is. A map of all of them would take as much memory as they do. */
  index: number;
}

/** Anything but a directory. Hard links are one leaf under several names. */
export interface Leaf<Content> extends Pick<LowerLeaf, "kind" | "type" | "attributes" | "target" | "device" | "size"> {
  readonly content: Content;
  /** As that of a directory. */
  index: number;
}

/** A hard link to what only the layers below can have; they are not known yet. */
interface OpenLink {
  readonly kind: "open-link";
  readonly path: string;
  readonly target: string;
}

export type TreeNode<Content> = Directory | Leaf<Content> | OpenLink | { readonly kind: "whiteout" };

/** What a layer does not describe and no layer below has. */
export const IMPLIED: Attributes = { mode: 0o755, uid: 0, gid: 0, mtime: 0, mtimeNanoseconds: 0, xattrs: new Map() };

export function directory(
  name: string,
  parent: Directory | undefined,
  attributes: Attributes,
  opaque = false,
): Directory {
  return { kind: "directory", name, parent, children: new Map(), attributes, opaque, index: 0 };
}

/** `before` are those of another entry, which are given where they are the same: neighbours have most things in common. */
export function attributesOf(entry: LayerEntry, before: Attributes): Attributes {
  const { mode, uid, gid, mtime, mtimeNanoseconds, xattrs } = entry;
  const isSame =
    mode === before.mode &&
    uid === before.uid &&
    gid === before.gid &&
    mtime === before.mtime &&
    mtimeNanoseconds === before.mtimeNanoseconds &&
    xattrs.size + before.xattrs.size === 0;
  return isSame ? before : { mode, uid, gid, mtime, mtimeNanoseconds, xattrs: copyOf(xattrs) };
}

/** The values are views of larger buffers. */
function copyOf(xattrs: ReadonlyMap<string, Buffer>): ReadonlyMap<string, Buffer> {
  if (xattrs.size === 0) return xattrs;
  return new Map([...xattrs].map(([name, value]) => [name, Buffer.from(value)]));
}
