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
}

/** Anything but a directory. Hard links are one leaf under several names. */
export interface Leaf<Content> extends Pick<LowerLeaf, "kind" | "type" | "attributes" | "target" | "device" | "size"> {
  readonly content: Content;
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
  return { kind: "directory", name, parent, children: new Map(), attributes, opaque };
}

export function attributesOf({ mode, uid, gid, mtime, mtimeNanoseconds, xattrs }: LayerEntry): Attributes {
  return { mode, uid, gid, mtime, mtimeNanoseconds, xattrs: copyOf(xattrs) };
}

/** The values are views of larger buffers. */
function copyOf(xattrs: ReadonlyMap<string, Buffer>): ReadonlyMap<string, Buffer> {
  if (xattrs.size === 0) return xattrs;
  return new Map([...xattrs].map(([name, value]) => [name, Buffer.from(value)]));
}
