import { createReadStream, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type ByteRange, OrlopError } from "@orlop/core";
import { DOCUMENT_MAX_BYTES, tooLarge } from "./verify-content.ts";

/** Files of an image, by relative paths: in a directory, or in an archive. */
export interface ImageFiles extends Disposable {
  /** As the user knows it. */
  readonly name: string;
  /** Bytes of a regular file; undefined where there is none. */
  size(path: string): number | undefined;
  read(path: string): Buffer;
  chunks(path: string, range?: ByteRange): AsyncIterable<Buffer>;
}

/** A small file that has to be there. */
export function readImageFile(files: ImageFiles, path: string): Buffer {
  const size = files.size(path);
  if (size === undefined)
    throw new OrlopError("not-found", `Cannot use image layout "${files.name}": it has no ${path}`);
  if (size > DOCUMENT_MAX_BYTES) throw tooLarge(join(files.name, path));
  return files.read(path);
}

const CHUNK_BYTES = 256 * 1024;

export class DirectoryFiles implements ImageFiles {
  readonly name: string;

  constructor(directory: string) {
    this.name = directory;
  }

  size(path: string): number | undefined {
    const stat = statSync(join(this.name, path), { throwIfNoEntry: false });
    return stat?.isFile() === true ? stat.size : undefined;
  }

  read(path: string): Buffer {
    return readFileSync(join(this.name, path));
  }

  async *chunks(path: string, range?: ByteRange): AsyncGenerator<Buffer> {
    if (range?.length === 0) return;
    const part = range === undefined ? {} : { start: range.offset, end: range.offset + range.length - 1 };
    yield* createReadStream(join(this.name, path), { highWaterMark: CHUNK_BYTES, ...part });
  }

  [Symbol.dispose](): void {}
}
