import type { LayerEntry } from "@orlop/core";
import { parseLayerPath, parseWhiteout } from "../layer/layer-path.ts";
import type { TarEntry } from "../tar/write-tar.ts";
import { refusedFile } from "./debian-error.ts";

type NodeKind = "directory" | "file" | "symlink" | "fifo";

/** What is at a path of the image. */
interface TreeNode {
  readonly kind: NodeKind;
  /** The package that it is from; absent: of nobody. */
  readonly owner?: string;
  /** Of a link. */
  readonly target?: string;
}

type EntryTime = Pick<LayerEntry, "mtime" | "mtimeNanoseconds">;

interface Placed {
  readonly path: string;
  readonly missing: readonly TarEntry[];
}

/** As the kernel has it. */
const LINKS_MAX = 40;
const ENTRIES_MAX = 5_000_000;

/**
 * The tree that packages are unpacked into, so that every entry of the layer has its real path: what a package has below
 * `/lib` goes to `/usr/lib` where the former is a link. Nothing leads out of it.
 */
export class ImageTree {
  readonly #nodes = new Map<string, TreeNode>();
  /** Real paths of directories, by how packages call them. */
  readonly #directories = new Map<string, string>();

  get(path: string): TreeNode | undefined {
    return this.#nodes.get(path);
  }

  /**
   * The real path for an entry: its directory without links. Directories that are missing are put in front, with the
   * entry's time.
   *
   * @throws OrlopError `invalid`
   */
  place(path: string, time: EntryTime): Placed {
    const { parents, name } = parseLayerPath(path);
    if (name === undefined) return { path: "", missing: [] };
    if (parseWhiteout(name, path) !== undefined) throw refusedFile(path, "layers have another meaning for its name");
    const missing: TarEntry[] = [];
    return { path: joined(this.#directory(parents, path, time, missing), name), missing };
  }

  /** The same for a directory: where a link is, what it leads to. */
  placeDirectory(path: string, time: EntryTime): Placed {
    const placed = this.place(path, time);
    if (this.#nodes.get(placed.path)?.kind !== "symlink") return placed;
    const missing = [...placed.missing];
    const { parents, name = "" } = parseLayerPath(path);
    return { path: this.#directory([...parents, name], path, time, missing), missing };
  }

  set(path: string, node: TreeNode): void {
    if (this.#nodes.size >= ENTRIES_MAX) throw refusedFile(path, `the image has more than ${ENTRIES_MAX} entries`);
    this.#nodes.set(path, node);
  }

  #directory(parents: readonly string[], path: string, time: EntryTime, missing: TarEntry[]): string {
    const key = parents.join("/");
    const known = this.#directories.get(key);
    if (known !== undefined) return known;
    const todo = parents.toReversed();
    let at = "";
    let links = 0;
    for (let part = todo.pop(); part !== undefined; part = todo.pop()) {
      if (part === "" || part === ".") continue;
      if (part === "..") {
        at = at.slice(0, Math.max(at.lastIndexOf("/"), 0));
        continue;
      }
      const next = joined(at, part);
      const node = this.#nodes.get(next);
      if (node?.kind === "symlink") {
        if (++links > LINKS_MAX) throw refusedFile(path, "there are too many links on its way");
        const target = node.target ?? "";
        if (target.startsWith("/")) at = "";
        todo.push(...target.split("/").reverse());
        continue;
      }
      if (node === undefined) {
        this.set(next, { kind: "directory" });
        missing.push({ kind: "directory", path: next, mode: 0o755, ...time });
      } else if (node.kind !== "directory") throw refusedFile(path, `${next} is no directory`);
      at = next;
    }
    this.#directories.set(key, at);
    return at;
  }
}

function joined(directory: string, name: string): string {
  return directory === "" ? name : `${directory}/${name}`;
}
