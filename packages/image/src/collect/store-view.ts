import { LABEL_GC_ROOT, type Labels } from "@orlop/core";
import type { Store } from "../store/open-store.ts";
import type { CollectableSnapshots } from "./collectable-snapshots.ts";
import { ReferenceGraph, type ReferenceNode } from "./reference-graph.ts";
import { labelReferences, resourceId, snapshotId } from "./references.ts";

/** What garbage collection has to do with. */
export interface CollectedStore {
  readonly store: Store;
  /** All that there are on the store's database; what others of them refer to may be removed otherwise. */
  readonly snapshots: readonly CollectableSnapshots[];
}

/** All that a store holds, at one moment. */
export interface StoreView {
  readonly graph: ReferenceGraph;
  readonly roots: ReadonlySet<string>;
  /** What no root leads to, each before what it refers to. */
  readonly garbage: readonly ReferenceNode[];
  /** The database's version: the view holds as long as it is this one. */
  readonly version: string;
}

/** Within a transaction as that sees it. */
export function viewStore({ store, snapshots }: CollectedStore): StoreView {
  return store.database.snapshot(() => {
    const version = store.database.version();
    const roots = new Set<string>();
    const nodes: ReferenceNode[] = [];
    const add = (node: ReferenceNode, labels: Labels): void => {
      nodes.push(node);
      if (LABEL_GC_ROOT in labels) roots.add(node.id);
    };
    for (const { digest, labels } of store.content.rows()) {
      add({ id: digest, resource: { kind: "content", digest }, references: labelReferences(labels) }, labels);
    }
    for (const snapshotter of snapshots) for (const [node, labels] of snapshotNodes(snapshotter)) add(node, labels);
    for (const { target } of store.images.records()) roots.add(target.digest);
    for (const resource of store.leases.kept()) roots.add(resourceId(resource));
    const graph = new ReferenceGraph(nodes);
    return { graph, roots, garbage: graph.except(graph.reachable(roots)), version };
  });
}

function* snapshotNodes(snapshots: CollectableSnapshots): Generator<readonly [ReferenceNode, Labels]> {
  const { name } = snapshots;
  for (const { key, parent, labels } of snapshots.records()) {
    const below = parent === undefined ? [] : [snapshotId(name, parent)];
    const references = [...below, ...labelReferences(labels)];
    yield [{ id: snapshotId(name, key), resource: { kind: "snapshot", snapshotter: name, key }, references }, labels];
  }
}
