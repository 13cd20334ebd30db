import type { LeaseResource } from "@orlop/core";

/** A blob or a snapshot, and what stays as long as it does. */
export interface ReferenceNode {
  readonly id: string;
  readonly resource: LeaseResource;
  /** Ids; of what is not there as well. */
  readonly references: readonly string[];
}

/** Which blobs and snapshots there are, and which of them refer to which, at one moment. */
export class ReferenceGraph {
  readonly #nodes: ReadonlyMap<string, ReferenceNode>;

  constructor(nodes: readonly ReferenceNode[]) {
    this.#nodes = new Map(nodes.map((node) => [node.id, node]));
  }

  get(id: string): ReferenceNode | undefined {
    return this.#nodes.get(id);
  }

  nodes(): Iterable<ReferenceNode> {
    return this.#nodes.values();
  }

  /** What is there of some ids and of all that they lead to. */
  reachable(ids: Iterable<string>): ReadonlySet<string> {
    const found = new Set<string>();
    const waiting = [...ids];
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
      const node = this.#nodes.get(id);
      if (node === undefined || found.has(id)) continue;
      found.add(id);
      for (const each of node.references) waiting.push(each);
    }
    return found;
  }

  /** All but some, each before what it refers to, as far as they do not go round in a circle. */
  except(kept: ReadonlySet<string>): readonly ReferenceNode[] {
    const finished: ReferenceNode[] = [];
    const seen = new Set(kept);
    // Not recursive: who sets labels decides how long a chain is.
    for (const root of this.#nodes.values()) {
      const path = [{ node: root, next: 0 }];
      if (seen.has(root.id)) continue;
      seen.add(root.id);
      for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
        const reference = top.node.references[top.next++];
        const node = reference === undefined ? undefined : this.#nodes.get(reference);
        if (node !== undefined && !seen.has(node.id)) {
          seen.add(node.id);
          path.push({ node, next: 0 });
        } else if (reference === undefined) {
          finished.push(top.node);
          path.pop();
        }
      }
    }
    return finished.reverse();
  }
}
