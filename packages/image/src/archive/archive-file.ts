import { closeSync, readSync } from "node:fs";
import { posix } from "node:path";
import { type ByteRange, OrlopError } from "@orlop/core";
import type { ImageFiles } from "../layout/image-files.ts";
import { readTar } from "../tar/read-tar.ts";
import { FileChunks } from "./file-chunks.ts";

/** Images have a file for each layer and a few more. */
const ENTRIES_MAX = 1 << 16;
/** From one file of an archive to another. */
const LINKS_MAX = 40;

type Place = { readonly at: number; readonly size: number } | { readonly target: string };

/** A tar archive in a file, whose files are read from where they are. */
export class ArchiveFile implements ImageFiles, Disposable {
  readonly name: string;
  readonly #fd: number;
  readonly #places = new Map<string, Place>();

  private constructor(fd: number, name: string) {
    this.name = name;
    this.#fd = fd;
  }

  /**
   * Of an open file, which it closes. Looks through the headers, and not at what is between them.
   *
   * @throws OrlopError `invalid` for what is no tar archive, `exhausted` for one of too many files, `unsupported` for files with holes
   */
  static async of(fd: number, name: string): Promise<ArchiveFile> {
    const archive = new ArchiveFile(fd, name);
    try {
      let entries = 0;
      const listed = readTar(new FileChunks(archive.#fd, 0), { name });
      for await (const { kind, path: entry, size, contentAt, target } of listed) {
        if (++entries > ENTRIES_MAX) throw tooMany(name);
        const own = posix.normalize(entry);
        if (kind === "file") archive.#places.set(own, { at: contentAt ?? withHoles(name, entry), size });
        // What docker writes for a layer that another image of the archive has, too.
        if (kind === "symlink") archive.#places.set(own, { target: posix.join(posix.dirname(own), target) });
        if (kind === "hard-link") archive.#places.set(own, { target: posix.normalize(target) });
      }
      return archive;
    } catch (error) {
      archive[Symbol.dispose]();
      throw error;
    }
  }

  size(path: string): number | undefined {
    return this.#find(path)?.size;
  }

  read(path: string): Buffer {
    const { at, size } = this.#known(path);
    const bytes = Buffer.alloc(size);
    for (let done = 0; done < size; ) {
      const got = readSync(this.#fd, bytes, done, size - done, at + done);
      if (got === 0) throw new RangeError(`${this.name} ends in ${path}`);
      done += got;
    }
    return bytes;
  }

  chunks(path: string, range?: ByteRange): AsyncIterable<Buffer> {
    const { at, size } = this.#known(path);
    const start = Math.min(range?.offset ?? 0, size);
    const length = Math.min(range?.length ?? size, size - start);
    return new FileChunks(this.#fd, at + start, at + start + length);
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }

  #known(path: string): { readonly at: number; readonly size: number } {
    const found = this.#find(path);
    if (found === undefined) throw new RangeError(`${this.name} has no ${path}`);
    return found;
  }

  #find(path: string): { readonly at: number; readonly size: number } | undefined {
    let place = this.#places.get(posix.normalize(path));
    for (let links = 0; links < LINKS_MAX && place !== undefined; links++) {
      if (!("target" in place)) return place;
      place = this.#places.get(place.target);
    }
    return undefined;
  }
}

function tooMany(name: string): OrlopError {
  return new OrlopError("exhausted", `Cannot use image archive "${name}": it has more than ${ENTRIES_MAX} files`);
}

function withHoles(name: string, path: string): never {
  const what = `"${path}" in it is stored with holes\nTry to make it again without (GNU tar: without --sparse).`;
  throw new OrlopError("unsupported", `Cannot read archive "${name}": ${what}`);
}
