import { constants } from "node:fs";
import { OrlopError } from "@orlop/core";
import { isOpaque } from "../layer/overlay-xattrs.ts";
import { ErofsImage, type ErofsInode } from "./erofs-image.ts";

const { S_IFMT, S_IFDIR, S_IFREG, S_IFLNK, S_IFCHR } = constants;
/** As many links as the kernel follows: path_resolution(7). */
const LINKS_MAX = 40;

interface Found {
  readonly image: ErofsImage;
  readonly inode: ErofsInode;
}

/** A directory of several layers, or one file: the uppermost first. */
type Place = readonly Found[];

/** Files of layers that lie over each other, read as overlay would show them, without a mount. */
export class LayeredFiles implements Disposable {
  readonly #images: readonly ErofsImage[];

  /** Paths of images that `writeErofs` has written, the uppermost first. */
  constructor(paths: readonly string[]) {
    using stack = new DisposableStack();
    this.#images = paths.map((path) => stack.use(new ErofsImage(path)));
    stack.move();
  }

  [Symbol.dispose](): void {
    for (const image of this.#images) image[Symbol.dispose]();
  }

  /**
   * The content of a regular file, or undefined where none is; links are followed within the root.
   *
   * @throws OrlopError `exhausted` when it is larger than `bytesMax`
   */
  readFile(path: string, bytesMax: number): Buffer | undefined {
    const [found] = this.#walk(path) ?? [];
    if (found === undefined || typeOf(found) !== S_IFREG) return undefined;
    const { image, inode } = found;
    if (inode.size <= bytesMax) return image.content(inode, 0, inode.size);
    throw new OrlopError(
      "exhausted",
      `Cannot read "${path}" of the root file system: it has more than ${bytesMax} bytes`,
    );
  }

  #walk(path: string): Place | undefined {
    const root: Place = this.#images.map((image) => ({ image, inode: image.root }));
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
      if (typeOf(found) !== S_IFLNK) {
        way.push(next);
        continue;
      }
      if (++links > LINKS_MAX) return undefined;
      const target = found.image.content(found.inode, 0, found.inode.size).toString();
      if (target.startsWith("/")) way.splice(1);
      todo.unshift(...target.split("/"));
    }
    return way.at(-1);
  }
}

/** What the layers of a directory have under a name, down to the first that hides those below. */
function step(place: Place, name: string): Place {
  const found: Found[] = [];
  for (const { image, inode } of place) {
    if (typeOf({ image, inode }) !== S_IFDIR) break;
    const child = image.find(inode, name);
    if (child === undefined) continue;
    const next = { image, inode: child };
    const isDirectory = typeOf(next) === S_IFDIR;
    // A file below a directory is hidden, as everything is below a whiteout.
    if (!isDirectory && (found.length > 0 || isWhiteout(next))) break;
    found.push(next);
    if (!isDirectory || isOpaque(image.xattrs(child))) break;
  }
  return found;
}

function typeOf({ inode }: Found): number {
  return inode.mode & S_IFMT;
}

function isWhiteout(found: Found): boolean {
  return typeOf(found) === S_IFCHR && found.inode.device === 0;
}
