/** One component of a path, and what is known below it. */
export interface PathNode<T> {
  value: T | undefined;
  readonly below: Map<string, PathNode<T>>;
}

/**
 * Knows things of paths, `a/b`, and forgets a path with everything below it in one step, however much that is: an image
 * must not make this slow.
 */
export class PathTree<T> {
  /** The node of the path "". */
  readonly root: PathNode<T> = { value: undefined, below: new Map() };

  set(path: string, value: T): void {
    let node = this.root;
    for (const name of components(path)) {
      const next: PathNode<T> = node.below.get(name) ?? { value: undefined, below: new Map() };
      node.below.set(name, next);
      node = next;
    }
    node.value = value;
  }

  /** Whether something has been said of the path or of one below it. */
  has(path: string): boolean {
    return find(this.root, components(path)) !== undefined;
  }

  delete(path: string): void {
    const names = components(path);
    const name = names.pop();
    if (name !== undefined) find(this.root, names)?.below.delete(name);
  }
}

function find<T>(root: PathNode<T>, names: readonly string[]): PathNode<T> | undefined {
  let node: PathNode<T> | undefined = root;
  for (const name of names) node = node?.below.get(name);
  return node;
}

function components(path: string): string[] {
  return path.split("/").filter((part) => part !== "");
}
