import { readSync } from "node:fs";

const CHUNK_BYTES = 256 * 1024;

/** A part of a file, in chunks. */
export class FileChunks implements AsyncIterable<Buffer> {
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
