import { createReadStream, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** Files of an image, by relative paths: in a directory, or in an archive. */
export interface ImageFiles {
  /** As the user knows it. */
  readonly name: string;
  /** Bytes of a regular file; undefined where there is none. */
  size(path: string): number | undefined;
  read(path: string): Buffer;
  chunks(path: string): AsyncIterable<Buffer>;
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

  chunks(path: string): AsyncIterable<Buffer> {
    return createReadStream(join(this.name, path), { highWaterMark: CHUNK_BYTES });
  }
}
