import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync } from "node:fs";
import { OrlopError } from "@orlop/core";

/** open(2), O_PATH: node:fs has no name for it. The same on x86-64 and arm64. */
const O_PATH = 0x20_0000;
const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY, O_NONBLOCK } = constants;

/** As many links as the kernel follows: path_resolution(7). */
const LINKS_MAX = 40;

/**
 * A directory that is to become somebody's root, and is as hostile as an image can be: whatever links it holds, a path
 * is never looked up outside (CVE-2019-18837).
 *
 * Each component is opened from its parent's descriptor, and links are read and followed here, `..` and absolute ones
 * ending at this directory. That is openat2(2) with RESOLVE_IN_ROOT, which Node does not offer, by way of
 * /proc/self/fd.
 */
export class RootDirectory implements Disposable {
  readonly #root: number;

  /** @throws the error of open(2) when `path` is no directory */
  constructor(path: string) {
    this.#root = openSync(path, O_PATH | O_DIRECTORY);
  }

  [Symbol.dispose](): void {
    closeSync(this.#root);
  }

  /**
   * The content of a regular file, or `undefined` where none is.
   *
   * @throws OrlopError `exhausted` when it is larger than `bytesMax`
   */
  readFile(path: string, bytesMax: number): Buffer | undefined {
    try {
      using found = new OpenPlace(this.#walk(path));
      // What was found is opened for reading by its descriptor, which cannot become another file meanwhile.
      if (!fstatSync(found.fd).isFile()) return undefined;
      const fd = openSync(found.path, O_RDONLY | O_NONBLOCK);
      try {
        return readAll(fd, path, bytesMax);
      } finally {
        closeSync(fd);
      }
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw error;
    }
  }

  /** The directory that a path leads to, or `undefined` where none is. */
  openDirectory(path: string): OpenPlace | undefined {
    try {
      const found = new OpenPlace(this.#walk(path));
      if (fstatSync(found.fd).isDirectory()) return found;
      found[Symbol.dispose]();
      return undefined;
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw error;
    }
  }

  /** The directory itself. */
  open(): OpenPlace {
    return new OpenPlace(openSync(place(this.#root), O_PATH | O_DIRECTORY));
  }

  /**
   * What `path` leads to, or, unless links are followed at its end, is.
   *
   * @throws the error of open(2)
   */
  find(path: string, { followsLast = true }: { readonly followsLast?: boolean } = {}): OpenPlace {
    return new OpenPlace(this.#walk(path, followsLast));
  }

  /** An O_PATH descriptor of what `path` leads to. */
  #walk(path: string, followsLast = true): number {
    const todo = components(path);
    // The descriptors on the way down, for `..`.
    const way = [openSync(place(this.#root), O_PATH | O_DIRECTORY)];
    let links = 0;
    try {
      for (let name = todo.shift(); name !== undefined; name = todo.shift()) {
        const here = place(way.at(-1) ?? this.#root);
        if (name === "..") {
          if (way.length > 1) closeSync(way.pop() ?? -1);
          continue;
        }
        const next = openSync(`${here}/${name}`, O_PATH | O_NOFOLLOW);
        if (!fstatSync(next).isSymbolicLink() || (todo.length === 0 && !followsLast)) {
          way.push(next);
          continue;
        }
        closeSync(next);
        if (++links > LINKS_MAX)
          throw Object.assign(new Error(`ELOOP: too many links, open '${path}'`), { code: "ELOOP" });
        const target = readlinkSync(`${here}/${name}`);
        if (target.startsWith("/")) for (const each of way.splice(1)) closeSync(each);
        todo.unshift(...components(target));
      }
      return way.pop() ?? this.#root;
    } finally {
      for (const each of way) closeSync(each);
    }
  }
}

/** Something that is held open, and a path to it that nobody can redirect. */
export class OpenPlace implements Disposable {
  readonly fd: number;
  readonly path: string;

  constructor(fd: number) {
    this.fd = fd;
    this.path = place(fd);
  }

  /** Whatever has this name in this one, a link itself. @throws the error of open(2) where there is nothing */
  openEntry(name: string): OpenPlace {
    return new OpenPlace(openSync(`${this.path}/${name}`, O_PATH | O_NOFOLLOW));
  }

  /** The directory of this name in this one; `undefined` where there is none, or a link. */
  openSubdirectory(name: string): OpenPlace | undefined {
    try {
      return new OpenPlace(openSync(`${this.path}/${name}`, O_PATH | O_DIRECTORY | O_NOFOLLOW));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT" || code === "ENOTDIR" || code === "ELOOP") return undefined;
      throw error;
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.fd);
  }
}

function place(fd: number): string {
  return `/proc/self/fd/${fd}`;
}

function components(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}

const ABSENCES: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR", "EACCES", "ELOOP", "ENAMETOOLONG"]);

/** Nothing there, something on the way that is no directory, or no right to look. */
function isAbsence(error: unknown): boolean {
  return ABSENCES.has((error as NodeJS.ErrnoException).code ?? "");
}

/** Where a file does not tell its size. */
const READ_BYTES = 4096;

function readAll(fd: number, path: string, bytesMax: number): Buffer {
  // As much as it will need, and not as much as it could: the accounts of each container are read so.
  let buffer = Buffer.alloc(Math.min(bytesMax, Math.max(fstatSync(fd).size, READ_BYTES)) + 1);
  let length = 0;
  for (let got = -1; got !== 0 && length <= bytesMax; length += got) {
    if (length === buffer.length) buffer = Buffer.concat([buffer], Math.min(2 * length, bytesMax + 1));
    got = readSync(fd, buffer, length, buffer.length - length, null);
  }
  if (length <= bytesMax) return Buffer.from(buffer.subarray(0, length));
  throw new OrlopError(
    "exhausted",
    `Cannot read "${path}" of the root file system: it has more than ${bytesMax} bytes`,
  );
}
