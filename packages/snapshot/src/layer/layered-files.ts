import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { OrlopError, type OverlayLayer } from "@orlop/core";
import { DirectoryLayer } from "../directory/directory-layer.ts";
import { NO_FACTS, readFileFacts } from "../directory/file-facts.ts";
import { ErofsLayer } from "../erofs/erofs-layer.ts";
import type { LowerDirectory, LowerLayer, LowerLeaf, LowerNode } from "./lower-layer.ts";

/** As many links as the kernel follows: path_resolution(7). */
const LINKS_MAX = 40;

/** A directory of several layers, or one file: the uppermost first. */
type Place = readonly (LowerDirectory | LowerLeaf)[];

/** Files of layers that lie over each other, read as overlay would show them, without a mount. */
export class LayeredFiles implements Disposable {
  readonly #layers: readonly LowerLayer[];
  readonly #stack: DisposableStack;

  /** @param lower EROFS images that we have written, and directories, the uppermost first */
  constructor(lower: readonly OverlayLayer[]) {
    using stack = new DisposableStack();
    this.#layers = lower.map((layer) =>
      typeof layer === "string" ? directoryLayer(layer) : stack.use(new ErofsLayer(layer.erofs, layer.device)),
    );
    this.#stack = stack.move();
  }

  [Symbol.dispose](): void {
    this.#stack.dispose();
  }

  /**
   * The content of a regular file, or undefined where none is; links are followed within the root.
   *
   * @throws OrlopError `exhausted` when it is larger than `bytesMax`
   */
  readFile(path: string, bytesMax: number): Buffer | undefined {
    const [found] = this.#walk(path) ?? [];
    if (found?.kind !== "leaf" || found.type !== "file") return undefined;
    if (found.size <= bytesMax) return Buffer.concat([...found.content()]);
    throw new OrlopError(
      "exhausted",
      `Cannot read "${path}" of the root file system: it has more than ${bytesMax} bytes`,
    );
  }

  #walk(path: string): Place | undefined {
    const root: Place = this.#layers.map((layer) => layer.root);
    const way: Place[] = [root];
    const todo = path.split("/");
    let links = 0;
    for (let name = todo.shift(); name !== undefined; name = todo.shift()) {
      if (name === "" || name === ".") continue;
      if (name === "..") {
        if (way.length > 1) way.pop();
        continue;
      }
      const next = step(way.at(-1) ?? root, name);
      const [found] = next;
      if (found === undefined) return undefined;
      if (found.kind === "directory" || found.type !== "symlink") {
        way.push(next);
        continue;
      }
      if (++links > LINKS_MAX) return undefined;
      if (found.target.startsWith("/")) way.splice(1);
      todo.unshift(...found.target.split("/"));
    }
    return way.at(-1);
  }
}

/** What the layers of a directory have under a name, down to the first that hides those below. */
function step(place: Place, name: string): Place {
  const found: (LowerDirectory | LowerLeaf)[] = [];
  for (const at of place) {
    if (at.kind !== "directory") break;
    const child: LowerNode | undefined = at.find(name);
    if (child === undefined) continue;
    // A file below a directory is hidden, as everything is below a whiteout.
    if (child.kind === "whiteout" || (child.kind === "leaf" && found.length > 0)) break;
    found.push(child);
    if (child.kind === "leaf" || child.opaque) break;
  }
  return found;
}

/** What Node cannot read of a directory of ours stands beside it. */
function directoryLayer(path: string): LowerLayer {
  const facts = join(dirname(path), "facts.json");
  return new DirectoryLayer(path, existsSync(facts) ? readFileFacts(facts) : NO_FACTS);
}
