import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeSync,
} from "node:fs";
import { posix } from "node:path";
import { OrlopError } from "@orlop/core";
import type { TarEntry } from "@orlop/image";
import { FifoMaker } from "@orlop/snapshot";
import type { OpenPlace, RootDirectory } from "@orlop/snapshot/root-directory";

const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;

interface WriterOptions {
  /** Directory in the root that the entries' paths begin at. */
  readonly base: string;
  /** Owners are those of the entries, instead of this process's user. */
  readonly keepsOwners: boolean;
}

/**
 * Writes entries of an archive into a tree that is as hostile as the entries are. Every path is looked up with the tree as
 * root, and then used by descriptors: neither links that are there, nor such as come with the archive or are put there
 * meanwhile, lead outside (CVE-2018-15664).
 */
export class TreeWriter implements Disposable {
  readonly #root: RootDirectory;
  readonly #options: WriterOptions;
  /** Their times change as long as something is made in them. */
  readonly #directories: { readonly path: string; readonly entry: TarEntry }[] = [];
  readonly #fifos = new FifoMaker();
  bytes = 0;

  constructor(root: RootDirectory, options: WriterOptions) {
    this.#root = root;
    this.#options = options;
  }

  [Symbol.dispose](): void {
    this.#fifos[Symbol.dispose]();
  }

  /** @throws OrlopError `invalid`, `conflict`, `unsupported`, or what the file system says */
  async write(entry: TarEntry): Promise<void> {
    const path = this.#place(entry.path);
    using parent = this.#openParent(posix.dirname(path));
    const name = posix.basename(path);
    if (name === "" || name === "/") return;
    const there = lstatSync(`${parent.path}/${name}`, { throwIfNoEntry: false });
    if (entry.kind === "directory") {
      if (there === undefined) mkdirSync(`${parent.path}/${name}`, { mode: 0o700 });
      else if (there.isSymbolicLink() && this.#isDirectory(path)) return;
      else if (!there.isDirectory()) throw overwrites("non-directory", path, "directory", entry.path);
      this.#directories.push({ path, entry });
      return;
    }
    if (there?.isDirectory() === true) throw overwrites("directory", path, "non-directory", entry.path);
    // Not into what is there: it may have other names, or be a device.
    if (there !== undefined) unlinkSync(`${parent.path}/${name}`);
    await this.#make(entry, parent, name);
  }

  /** Attributes of the directories, those of what is below first. */
  finish(): void {
    for (const { path, entry } of this.#directories.toReversed()) {
      using place = this.#root.find(path, { followsLast: false });
      if (this.#options.keepsOwners) lchownSync(`${place.path}/.`, entry.uid ?? 0, entry.gid ?? 0);
      chmodSync(place.path, entry.mode);
      utimesSync(place.path, entry.mtime ?? 0, entry.mtime ?? 0);
    }
  }

  async #make(entry: TarEntry, parent: OpenPlace, name: string): Promise<void> {
    const place = `${parent.path}/${name}`;
    const { mtime = 0, uid = 0, gid = 0 } = entry;
    switch (entry.kind) {
      case "file":
        return await this.#makeFile(entry, place);
      case "symlink":
        symlinkSync(entry.target ?? "", place);
        break;
      case "fifo":
        await this.#fifos.make(parent, name, entry.mode);
        break;
      case "hard-link": {
        const target = this.#place(entry.target ?? "");
        using directory = this.#root.find(posix.dirname(target));
        linkSync(`${directory.path}/${posix.basename(target)}`, place);
        return;
      }
      default:
        // A device that a container has made, and anybody may use, would be one of this machine's.
        throw new OrlopError("unsupported", `Cannot copy "${entry.path}": it is a ${entry.kind.replace("-", " ")}`);
    }
    if (this.#options.keepsOwners) lchownSync(place, uid, gid);
    lutimesSync(place, mtime, mtime);
  }

  async #makeFile(entry: TarEntry, place: string): Promise<void> {
    const fd = openSync(place, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    try {
      for await (const chunk of entry.content?.() ?? []) {
        for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at);
        this.bytes += chunk.length;
      }
      if (this.#options.keepsOwners) fchownSync(fd, entry.uid ?? 0, entry.gid ?? 0);
      fchmodSync(fd, entry.mode);
      futimesSync(fd, entry.mtime ?? 0, entry.mtime ?? 0);
    } finally {
      closeSync(fd);
    }
  }

  /** @throws OrlopError `invalid` for a path that would lead out of the base */
  #place(path: string): string {
    if (path.split("/").includes("..") || path.includes("\0")) {
      throw new OrlopError("invalid", `Cannot unpack ${JSON.stringify(path)}: it leads out of its archive`);
    }
    return posix.join("/", this.#options.base, path).replace(/\/$/, "") || "/";
  }

  #isDirectory(path: string): boolean {
    try {
      using place = this.#root.find(path);
      return fstatSync(place.fd).isDirectory();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
      throw error;
    }
  }

  /** The directories on the way are made where they are missing. */
  #openParent(path: string): OpenPlace {
    try {
      return this.#root.find(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
    using above = this.#openParent(posix.dirname(path));
    const place = `${above.path}/${posix.basename(path)}`;
    if (lstatSync(place, { throwIfNoEntry: false }) !== undefined) {
      throw new OrlopError("conflict", `Cannot copy into "${path}": the link there leads nowhere in its tree`);
    }
    mkdirSync(place, { mode: 0o755 });
    return this.#root.find(path);
  }
}

function overwrites(old: string, path: string, kind: string, by: string): OrlopError {
  return new OrlopError("conflict", `cannot overwrite ${old} "${path}" with ${kind} "${by}"`);
}
