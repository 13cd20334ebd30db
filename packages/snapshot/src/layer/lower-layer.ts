import type { LayerEntry } from "@orlop/core";

/** What every kind of file has. */
export type Attributes = Pick<LayerEntry, "mode" | "uid" | "gid" | "mtime" | "mtimeNanoseconds" | "xattrs">;

export interface LowerDirectory {
  readonly kind: "directory";
  readonly attributes: Attributes;
  /** What the layers below have in it is hidden. */
  readonly opaque: boolean;
  find(name: string): LowerNode | undefined;
  /** In no order; those of whiteouts among them. */
  names(): Iterable<string>;
}

/** Anything but a directory; hard links are one object. */
export interface LowerLeaf {
  readonly kind: "leaf";
  readonly type: Exclude<LayerEntry["kind"], "directory" | "hard-link">;
  readonly attributes: Attributes;
  /** Of a link. */
  readonly target: string;
  readonly device: LayerEntry["device"];
  readonly size: number;
  /** Of a file. */
  content(): Iterable<Buffer>;
}

export type LowerNode = LowerDirectory | LowerLeaf | { readonly kind: "whiteout" };

/** A layer that another is put on, looked at by names from its root on. */
export interface LowerLayer {
  readonly root: LowerDirectory;
}

/** What layers, the uppermost first, have at a path that an overlay of them would show. */
export function findBelow(
  layers: readonly LowerLayer[],
  names: readonly string[],
): LowerDirectory | LowerLeaf | undefined {
  for (const layer of layers) {
    const found = find(layer.root, names);
    if (found === "hidden") return undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What one layer has at a path; "hidden" when it also ends the look at those below. */
function find(root: LowerDirectory, names: readonly string[]): LowerDirectory | LowerLeaf | "hidden" | undefined {
  let at: LowerNode = root;
  let isOpaque = false;
  for (const name of names) {
    if (at.kind !== "directory") return "hidden";
    isOpaque ||= at.opaque;
    const child: LowerNode | undefined = at.find(name);
    if (child === undefined) return isOpaque ? "hidden" : undefined;
    at = child;
  }
  return at.kind === "whiteout" ? "hidden" : at;
}
