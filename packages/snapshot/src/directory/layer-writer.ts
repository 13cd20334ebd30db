import {
  chmodSync,
  chownSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
} from "node:fs";
import { join, relative } from "node:path";
import { type LayerEntry, OrlopError } from "@orlop/core";
import { parseLayerPath, parseWhiteout, refusedEntry, type Whiteout } from "@orlop/image";
import { type PathNode, PathTree } from "./path-tree.ts";
import { type OpenPlace, RootDirectory } from "./root-directory.ts";
import { StagedFile } from "./staged-file.ts";
import { UnpackLosses } from "./unpack-losses.ts";

/** Limits on what an image may unpack to. */
const ENTRIES_MAX = 4_000_000;
const UNPACKED_MAX_BYTES = 64 * 1024 ** 3;

/** What a directory is to be in the end; until then it can be written to. */
interface DirectoryMetadata {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: number;
}

/**
 * Writes layers, one over the other, into an empty directory of this process.
 *
 * The parent of every entry is looked up inside the root, and the entry itself is made anew, never written through: a
 * link that one entry plants leads no other out. Nothing is given a mode that would keep us from what follows; modes
 * and times of directories are set by {@link finish}.
 */
export class LayerWriter implements Disposable {
  readonly losses: UnpackLosses = new UnpackLosses();
  readonly #root: RootDirectory;
  readonly #realPath: string;
  readonly #keepOwners: boolean;
  /** By their paths below the root; what is removed is forgotten here, lest something else stand in its place. */
  readonly #directories = new PathTree<DirectoryMetadata>();
  /** What the current layer has made, which its own whiteouts do not hide. */
  #made = new PathTree<true>();
  #entries = 0;
  #bytes = 0;

  constructor(path: string, options: { readonly keepOwners: boolean }) {
    this.#root = new RootDirectory(path);
    this.#realPath = realpathSync(path);
    this.#keepOwners = options.keepOwners;
  }

  [Symbol.dispose](): void {
    this.#root[Symbol.dispose]();
  }

  beginLayer(): void {
    this.#made = new PathTree();
  }

  /** @throws OrlopError */
  async write(entry: LayerEntry): Promise<void> {
    if (++this.#entries > ENTRIES_MAX) throw exhausted("entries", ENTRIES_MAX);
    const { parent, name } = splitPath(entry.path);
    try {
      using directory = this.#root.openDirectory(parent);
      if (name === undefined) this.#describeDirectory(this.#below(directory), entry);
      else {
        const whiteout = parseWhiteout(name, entry.path);
        if (whiteout === undefined) await this.#make(directory, name, entry);
        else this.#whiteout(directory, whiteout);
      }
    } catch (cause) {
      if (cause instanceof OrlopError) throw cause;
      const what = cause instanceof Error ? cause.message : String(cause);
      const code = (cause as NodeJS.ErrnoException).code === "ENOSPC" ? "exhausted" : "failed";
      throw new OrlopError(code, `Cannot unpack "${entry.path}": ${what}`, { cause });
    }
  }

  /** Gives directories their modes, owners and times, those below first. */
  finish(): void {
    using root = this.#root.openDirectory("");
    this.#finishDirectory(root, this.#directories.root);
  }

  /** Goes down by descriptors, and through no link: what has become of a directory since it was made is not known here. */
  #finishDirectory(place: OpenPlace, { value, below }: PathNode<DirectoryMetadata>): void {
    for (const [name, node] of below) {
      using child = place.openSubdirectory(name);
      if (child !== undefined) this.#finishDirectory(child, node);
    }
    if (value === undefined) return;
    const { mode, uid, gid, mtime } = value;
    if (this.#keepOwners) chownSync(place.path, uid, gid);
    chmodSync(place.path, mode);
    utimesSync(place.path, mtime, mtime);
  }

  async #make(directory: OpenPlace, name: string, entry: LayerEntry): Promise<void> {
    const path = `${directory.path}/${name}`;
    const before = lstatSync(path, { throwIfNoEntry: false });
    const stays = before?.isDirectory() === true && entry.kind === "directory";
    const below = this.#below(directory, name);
    if (before !== undefined && !stays) this.#remove(path, below);
    this.losses.note(entry, this.#keepOwners);
    switch (entry.kind) {
      case "directory":
        if (!stays) mkdirSync(path, { mode: 0o755 });
        this.#describeDirectory(below, entry);
        break;
      case "file":
        await this.#writeFile(path, entry);
        break;
      case "symlink":
        symlinkSync(entry.target, path);
        if (this.#keepOwners) lchownSync(path, entry.uid, entry.gid);
        lutimesSync(path, entry.mtime, entry.mtime);
        break;
      case "hard-link":
        this.#link(path, entry);
        break;
      // Node has no mknod(2); losses has noted them.
      case "character-device":
      case "block-device":
      case "fifo":
        return;
    }
    this.#made.set(below, true);
  }

  /** @param path below the root */
  #describeDirectory(path: string, { mode, uid, gid, mtime }: LayerEntry): void {
    this.#directories.set(path, { mode, uid, gid, mtime });
  }

  /** The path below the root, without links, of a directory or of a name in it. */
  #below(directory: OpenPlace, name?: string): string {
    const path = relative(this.#realPath, readlinkSync(directory.path));
    return name === undefined ? path : join(path, name);
  }

  #remove(path: string, below: string): void {
    rmSync(path, { recursive: true });
    this.#directories.delete(below);
    this.#made.delete(below);
  }

  async #writeFile(path: string, entry: LayerEntry): Promise<void> {
    this.#bytes += entry.size;
    if (this.#bytes > UNPACKED_MAX_BYTES) throw exhausted("bytes", UNPACKED_MAX_BYTES);
    using file = new StagedFile(path);
    for await (const chunk of entry.content()) file.write(chunk);
    file.finish(entry, this.#keepOwners);
  }

  #link(path: string, entry: LayerEntry): void {
    const { parent, name } = splitPath(entry.target);
    if (name === undefined) throw refusedEntry(entry.path, "it links to a directory");
    using directory = this.#root.openDirectory(parent);
    // link(2) does not follow a link at the end.
    linkSync(`${directory.path}/${name}`, path);
  }

  #whiteout(directory: OpenPlace, whiteout: Whiteout): void {
    const below = this.#below(directory);
    const hidden =
      whiteout.kind === "opaque" ? readdirSync(directory.path) : whiteout.kind === "hides" ? [whiteout.name] : [];
    for (const name of hidden) this.#removeLower(directory, name, below);
  }

  /** Removes what the layers below have made, and keeps what this one has. */
  #removeLower(directory: OpenPlace, name: string, parent: string): void {
    const path = `${directory.path}/${name}`;
    const below = join(parent, name);
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return;
    // A directory in which this layer has made something is not hidden as a whole.
    if (!this.#made.has(below)) {
      this.#remove(path, below);
      return;
    }
    using child = directory.openSubdirectory(name);
    if (child === undefined) return;
    for (const each of readdirSync(child.path)) this.#removeLower(child, each, below);
  }
}

/** The parent's path and the entry's name, which is missing for the root itself. */
function splitPath(path: string): { readonly parent: string; readonly name: string | undefined } {
  const { parents, name } = parseLayerPath(path);
  return { parent: parents.join("/"), name };
}

function exhausted(noun: string, most: number): OrlopError {
  return new OrlopError("exhausted", `Cannot unpack image: it has more than ${most} ${noun}`);
}
