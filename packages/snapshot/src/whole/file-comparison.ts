import type { BigIntStats } from "node:fs";
import { readContent, readLink } from "../directory/file-entry.ts";
import { withoutOverlays } from "../layer/overlay-xattrs.ts";
import type { TreeListing } from "./tree-listing.ts";

/** Extended attributes by path. */
export type XattrsByPath = ReadonlyMap<string, ReadonlyMap<string, Buffer>>;

/** Of stat(2), what says that files are not the same. */
const FACTS = ["mode", "uid", "gid", "mtimeNs", "rdev"] as const satisfies readonly (keyof BigIntStats)[];
const NONE: ReadonlyMap<string, Buffer> = new Map();

/** Tells whether a file of a directory is the one that another directory has at the same path. */
export class FileComparison {
  readonly #own: TreeListing;
  readonly #before: TreeListing;
  readonly #ownXattrs: XattrsByPath;
  readonly #xattrsBefore: XattrsByPath;

  constructor(
    own: TreeListing,
    before: TreeListing,
    xattrs: { readonly own: XattrsByPath; readonly before: XattrsByPath },
  ) {
    this.#own = own;
    this.#before = before;
    this.#ownXattrs = xattrs.own;
    this.#xattrsBefore = xattrs.before;
  }

  async isSame(path: string): Promise<boolean> {
    const [own, before] = [this.#own.files.get(path), this.#before.files.get(path)];
    if (own === undefined || before === undefined || FACTS.some((fact) => own[fact] !== before[fact])) return false;
    if (!this.#hasSameXattrs(path)) return false;
    if (own.isDirectory()) return true;
    if (this.#own.namesOf(path)[0] !== this.#before.namesOf(path)[0]) return false;
    if (own.isSymbolicLink()) return readLink(this.#own.root, path) === readLink(this.#before.root, path);
    return !own.isFile() || (own.size === before.size && (await this.#hasSameContent(path, Number(own.size))));
  }

  #hasSameXattrs(path: string): boolean {
    const own = withoutOverlays(this.#ownXattrs.get(path) ?? NONE);
    const before = withoutOverlays(this.#xattrsBefore.get(path) ?? NONE);
    return own.size === before.size && [...own].every(([name, value]) => before.get(name)?.equals(value));
  }

  async #hasSameContent(path: string, size: number): Promise<boolean> {
    const before = readContent(this.#before.root, path, size);
    for await (const chunk of readContent(this.#own.root, path, size)) {
      const { value } = await before.next();
      if (value === undefined || !value.equals(chunk)) {
        await before.return(undefined);
        return false;
      }
    }
    await before.return(undefined);
    return true;
  }
}
