import { closeSync, openSync, readSync } from "node:fs";
import { posix } from "node:path";
import type { ImageFiles } from "../layout/image-files.ts";
import { readTar } from "../tar/read-tar.ts";

const CHUNK_BYTES = 256 * 1024;
/** Images have a file for each layer and a few more. */
const LINKS_MAX = 40;

type Place = { readonly at: number; readonly size: number } | { readonly target: string };

/** A tar archive in a file, whose files are read from where they are. */
export class ArchiveFile implements ImageFiles, Disposable {
  readonly name: string;
  readonly #fd: number;
  readonly #places = new Map<string, Place>();

  private constructor(path: string, name: string) {
    this.name = name;
    this.#fd = openSync(path, "r");
  }

  /**
   * Looks through the headers, and not at what is between them. `name` is what the user knows it by. Throws `invalid` for
   * what is no tar archive.
   */
  static async open(path: string, name: string = path): Promise<ArchiveFile> {
    const archive = new ArchiveFile(path, name);
    try {
      for await (const { kind, path: entry, size, contentAt, target } of readTar(new FileChunks(archive.#fd, 0))) {
        const own = posix.normalize(entry);
        if (kind === "file") archive.#places.set(own, { at: contentAt, size });
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

  chunks(path: string): AsyncIterable<Buffer> {
    const { at, size } = this.#known(path);
    return new FileChunks(this.#fd, at, at + size);
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

/** A part of a file, in chunks. */
class FileChunks implements AsyncIterable<Buffer> {
  readonly #fd: number;
  readonly #end: number;
  #at: number;

  constructor(fd: number, at: number, end: number = Number.MAX_SAFE_INTEGER) {
    this.#fd = fd;
    this.#at = at;
    this.#end = end;
  }

  skip(length: number): void {
    this.#at += length;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    while (this.#at < this.#end) {
      const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, this.#end - this.#at));
      const got = readSync(this.#fd, chunk, 0, chunk.length, this.#at);
      if (got === 0) return;
      this.#at += got;
      yield chunk.subarray(0, got);
    }
  }
}
