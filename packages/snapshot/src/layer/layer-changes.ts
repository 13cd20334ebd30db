import type { LayerEntry } from "@orlop/core";
import { parseLayerPath, parseWhiteout } from "@orlop/image";
import { findBelow, type LowerLayer } from "./lower-layer.ts";

/** What a layer does to a path of the layers below. */
export interface SnapshotChange {
  readonly kind: "added" | "changed" | "deleted";
  /** From the root, without a slash in front. */
  readonly path: string;
}

/**
 * What the entries of a layer change in those below, the uppermost of these first. Of a directory that is deleted nothing in
 * it is named; the root is not either. In the order of the paths' bytes.
 */
export async function layerChanges(
  entries: AsyncIterable<LayerEntry>,
  below: readonly LowerLayer[],
): Promise<readonly SnapshotChange[]> {
  const changes = new Map<string, SnapshotChange["kind"]>();
  const emptied: (readonly string[])[] = [];
  for await (const entry of entries) {
    const { parents, name } = parseLayerPath(entry.path);
    if (name === undefined) continue;
    const whiteout = parseWhiteout(name, entry.path);
    if (whiteout === undefined) {
      const names = [...parents, name];
      changes.set(names.join("/"), findBelow(below, names) === undefined ? "added" : "changed");
    } else if (whiteout.kind === "opaque") emptied.push(parents);
    else if (whiteout.kind === "hides") changes.set([...parents, whiteout.name].join("/"), "deleted");
  }
  for (const names of emptied) {
    for (const name of namesBelow(below, names)) {
      const path = [...names, name].join("/");
      if (!changes.has(path)) changes.set(path, "deleted");
    }
  }
  const sorted = [...changes].map(([path, kind]) => ({ kind, path, bytes: Buffer.from(path) }));
  sorted.sort((a, b) => Buffer.compare(a.bytes, b.bytes));
  return sorted.map(({ kind, path }) => ({ kind, path }));
}

/** What a directory has in the layers below, as an overlay of them would show it. */
function namesBelow(below: readonly LowerLayer[], names: readonly string[]): readonly string[] {
  const found = new Set<string>();
  for (const [index] of below.entries()) {
    const at = findBelow(below.slice(index), names);
    if (at?.kind === "directory") for (const name of at.names()) found.add(name);
  }
  return [...found].filter((name) => findBelow(below, [...names, name]) !== undefined);
}
