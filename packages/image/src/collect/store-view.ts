import {
  type ContentInfo,
  type Digest,
  LABEL_GC_PROCESS,
  LABEL_GC_ROOT,
  type Labels,
  type SnapshotInfo,
} from "@orlop/core";
import { isLeaseOwnerAlive } from "../store/lease-owner.ts";
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
  /** Of snapshots that are not committed, what they are on top of. */
  readonly writable: ReadonlyMap<string, string | undefined>;
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
      if (isRoot(labels)) roots.add(node.id);
    };
    for (const row of store.content.rows()) add(blobNode(row), row.labels);
    const writable = new Map<string, string | undefined>();
    for (const each of snapshots) {
      for (const info of each.records()) {
        const node = snapshotNode(each.name, info);
        add(node, info.labels);
        if (info.kind !== "committed") writable.set(node.id, info.parent && snapshotId(each.name, info.parent));
      }
    }
    for (const { target } of store.images.records()) roots.add(target.digest);
    for (const resource of store.leases.kept()) roots.add(resourceId(resource));
    const graph = new ReferenceGraph(nodes);
    return { graph, writable, garbage: graph.except(graph.reachable(roots)), version };
  });
}

function isRoot(labels: Labels): boolean {
  if (LABEL_GC_ROOT in labels) return true;
  const process = labels[LABEL_GC_PROCESS];
  return process !== undefined && isLeaseOwnerAlive(process);
}

/** One blob or snapshot as it is now; undefined where it is not there. */
export function readNode({ store, snapshots }: CollectedStore, id: string): ReferenceNode | undefined {
  const blank = id.indexOf(" ");
  if (blank < 0) {
    const row = store.content.row(id as Digest);
    return row && blobNode(row);
  }
  const name = id.slice(0, blank);
  const info = snapshots.find((each) => each.name === name)?.record(id.slice(blank + 1));
  return info && snapshotNode(name, info);
}

function blobNode({ digest, labels }: Pick<ContentInfo, "digest" | "labels">): ReferenceNode {
  return { id: digest, resource: { kind: "content", digest }, references: labelReferences(labels) };
}

function snapshotNode(snapshotter: string, { key, parent, labels }: SnapshotInfo): ReferenceNode {
  const below = parent === undefined ? [] : [snapshotId(snapshotter, parent)];
  const references = [...below, ...labelReferences(labels)];
  return { id: snapshotId(snapshotter, key), resource: { kind: "snapshot", snapshotter, key }, references };
}
