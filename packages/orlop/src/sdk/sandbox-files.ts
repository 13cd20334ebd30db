import { constants, fstatSync, lstatSync, readdirSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { posix } from "node:path";
import { OrlopError } from "@orlop/core";
import type { OpenPlace, RootDirectory } from "@orlop/snapshot/root-directory";
import { kindOf, type SandboxEntry, type SandboxFileStat, statOf } from "./file-stat.ts";
import { attempt, checkPath, makeDirectory, readAll, refuseAborted, refuseKernelFiles, split } from "./file-steps.ts";
import { removeEntry } from "./remove-entry.ts";

export interface ReadOptions {
  /** A larger file is refused with `exhausted`. Absent: 64 MiB. */
  readonly maxBytes?: number;
  readonly signal?: AbortSignal;
}

export interface WriteOptions {
  /** Permission bits of a file that is made. Absent: 0o644. */
  readonly mode?: number;
  readonly signal?: AbortSignal;
}

export interface RemoveOptions {
  /** A directory with all that is in it. */
  readonly recursive?: boolean;
  readonly signal?: AbortSignal;
}

/** Who files belong to that are made. */
interface FileOwner {
  readonly uid: number;
  readonly gid: number;
}

/** One file that is other than in the image. */
export interface FileChange {
  /** Of a directory that is deleted nothing in it is named. */
  readonly kind: "added" | "changed" | "deleted";
  /** Absolute. */
  readonly path: string;
}

interface FilesParts {
  readonly root: () => Promise<RootDirectory>;
  /** Absent: whoever makes them. */
  readonly owner: FileOwner | undefined;
  readonly changes: () => Promise<readonly FileChange[]>;
}

const READ_MAX_BYTES = 64 * 1024 * 1024;
const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;

/**
 * The files of a sandbox as its programs see them, mounts included. Paths are absolute.
 *
 * The sandbox is hostile: a link, wherever it points, is followed within the sandbox and never out of it, and whatever is
 * looked at is held open, so that nothing can be put in its place meanwhile. No program of the sandbox is needed.
 */
export class SandboxFiles {
  readonly #root: () => Promise<RootDirectory>;
  readonly #owner: FileOwner | undefined;

  readonly #changes: () => Promise<readonly FileChange[]>;

  /** @internal */
  constructor({ root, owner, changes }: FilesParts) {
    this.#root = root;
    this.#owner = owner;
    this.#changes = changes;
  }

  /**
   * What was written to its root file system so far and differs from the image, sorted by path; not what lies in its mounts.
   *
   * @throws OrlopError `unsupported` for a sandbox of anything but an image
   */
  async diff(): Promise<readonly FileChange[]> {
    return await this.#changes();
  }

  /**
   * The content of a regular file.
   *
   * @throws OrlopError `not-found`, `invalid` for anything but a regular file, `exhausted` for one that is too large
   */
  async read(path: string, { maxBytes = READ_MAX_BYTES, signal }: ReadOptions = {}): Promise<Buffer> {
    using place = await this.#open("read", path, signal);
    if (!fstatSync(place.fd).isFile()) {
      throw new OrlopError("invalid", `Cannot read "${path}" of the sandbox: it is no regular file`);
    }
    await using file = await open(place.path, O_RDONLY);
    return await readAll(file, path, maxBytes, signal);
  }

  /** As {@link read}, as UTF-8. */
  async readText(path: string, options: ReadOptions = {}): Promise<string> {
    return (await this.read(path, options)).toString("utf8");
  }

  /**
   * Makes a regular file or replaces the content of one; directories on the way that are not there are made. What is made
   * belongs to the sandbox's user. A link at the place itself is not followed.
   *
   * @throws OrlopError `conflict` for anything but a regular file there, `denied` for files of the kernel (procfs, sysfs)
   */
  async write(path: string, data: string | Uint8Array, { mode = 0o644, signal }: WriteOptions = {}): Promise<void> {
    const { parent, name } = split("write", path);
    using directory = await this.#makeDirectories(parent, signal);
    await attempt("write", path, async () => {
      await using file = await this.#openForWriting(directory, name, path, mode);
      await file.truncate(0);
      await file.writeFile(data, signal === undefined ? {} : { signal });
    });
  }

  /** What is in a directory, sorted by name. @throws OrlopError `not-found`, `invalid` for what is no directory */
  async list(path: string, { signal }: Pick<ReadOptions, "signal"> = {}): Promise<readonly SandboxEntry[]> {
    using place = await this.#open("list", path, signal);
    if (!fstatSync(place.fd).isDirectory()) {
      throw new OrlopError("invalid", `Cannot list "${path}" of the sandbox: it is no directory`);
    }
    const entries = await attempt("list", path, async () => readdirSync(place.path, { withFileTypes: true }));
    const listed = entries.map((entry) => ({ name: entry.name, kind: kindOf(entry) }));
    return listed.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** What is at a place, a link itself. @throws OrlopError `not-found` */
  async stat(path: string, { signal }: Pick<ReadOptions, "signal"> = {}): Promise<SandboxFileStat> {
    if (posix.normalize(path) === "/") {
      using root = await this.#open("look at", path, signal);
      return statOf(fstatSync(root.fd));
    }
    const { parent, name } = split("look at", path);
    using directory = await this.#open("look at", parent, signal);
    return await attempt("look at", path, async () => statOf(lstatSync(`${directory.path}/${name}`)));
  }

  /**
   * Removes a file, a link (and not what it leads to) or an empty directory.
   *
   * @throws OrlopError `not-found`; `failed` for a directory that is not empty, unless `recursive`
   */
  async remove(path: string, { recursive = false, signal }: RemoveOptions = {}): Promise<void> {
    const { parent, name } = split("remove", path);
    using directory = await this.#open("remove", parent, signal);
    await attempt("remove", path, async () => removeEntry(directory, name, { path, recursive }));
  }

  async #open(action: string, path: string, signal: AbortSignal | undefined): Promise<OpenPlace> {
    refuseAborted(signal);
    checkPath(action, path);
    const root = await this.#root();
    return await attempt(action, path, async () => root.find(path));
  }

  /** The directory, made where it is not there. */
  async #makeDirectories(path: string, signal: AbortSignal | undefined): Promise<OpenPlace> {
    const parts = path.split("/").filter((part) => part !== "");
    let here = await this.#open("write", "/", signal);
    for (let depth = 1; depth <= parts.length; depth++) {
      const way = `/${parts.slice(0, depth).join("/")}`;
      const name = parts[depth - 1] ?? "";
      using above = here;
      const made = await attempt("make directory", way, async () => makeDirectory(`${above.path}/${name}`));
      here = await this.#open("write", way, signal);
      if (made) await this.#give(here);
    }
    return here;
  }

  async #openForWriting(directory: OpenPlace, name: string, path: string, mode: number): Promise<FileHandle> {
    const place = `${directory.path}/${name}`;
    const found = lstatSync(place, { throwIfNoEntry: false });
    if (found === undefined) {
      refuseKernelFiles(path, directory.path);
      const made = await open(place, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
      const { uid, gid } = this.#owner ?? {};
      if (uid !== undefined && gid !== undefined) await made.chown(uid, gid);
      await made.chmod(mode);
      return made;
    }
    // Held before it is opened: opening a device or a pipe that was put there is an act of its own.
    using held = directory.openEntry(name);
    if (!fstatSync(held.fd).isFile()) {
      throw new OrlopError("conflict", `Cannot write "${path}" of the sandbox: what is there is no regular file`);
    }
    refuseKernelFiles(path, held.path);
    return await open(held.path, O_WRONLY);
  }

  async #give(place: OpenPlace): Promise<void> {
    if (this.#owner === undefined) return;
    await using directory = await open(place.path, O_RDONLY);
    await directory.chown(this.#owner.uid, this.#owner.gid);
  }
}
