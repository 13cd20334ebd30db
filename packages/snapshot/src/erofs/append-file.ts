import { closeSync, openSync, readSync, rmSync, writeSync } from "node:fs";

const BUFFER_BYTES = 1 << 20;

/** A new file that is written from its start to its end, in large pieces. */
export class AppendFile implements Disposable {
  readonly path: string;
  readonly #fd: number;
  readonly #buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  #used = 0;
  #flushed = 0;

  /** Throws when there is a file of this name. */
  constructor(path: string) {
    this.path = path;
    this.#fd = openSync(path, "wx+", 0o600);
  }

  /** Bytes so far. */
  get size(): number {
    return this.#flushed + this.#used;
  }

  append(bytes: Buffer): void {
    if (bytes.length > BUFFER_BYTES - this.#used) this.#flush();
    if (bytes.length >= BUFFER_BYTES) {
      this.#write(bytes);
      return;
    }
    bytes.copy(this.#buffer, this.#used);
    this.#used += bytes.length;
  }

  /** Up to this size. */
  appendZeros(size: number): void {
    while (this.size < size) this.append(ZEROS.subarray(0, Math.min(size - this.size, ZEROS.length)));
  }

  /** Over what has been appended before. */
  overwrite(bytes: Buffer, at: number): void {
    this.#flush();
    for (let done = 0; done < bytes.length; ) done += writeSync(this.#fd, bytes, done, bytes.length - done, at + done);
  }

  read(at: number, length: number): Buffer {
    if (at + length > this.#flushed) this.#flush();
    const bytes = Buffer.allocUnsafe(length);
    for (let done = 0; done < length; ) {
      const got = readSync(this.#fd, bytes, done, length - done, at + done);
      if (got === 0) throw new RangeError(`${this.path} has no ${length} bytes at ${at}`);
      done += got;
    }
    return bytes;
  }

  /** Everything is with the kernel afterwards. */
  finish(): void {
    this.#flush();
  }

  remove(): void {
    rmSync(this.path, { force: true });
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }

  #flush(): void {
    const { length } = this.#buffer;
    if (this.#used === 0) return;
    this.#write(this.#used === length ? this.#buffer : this.#buffer.subarray(0, this.#used));
    this.#used = 0;
  }

  #write(bytes: Buffer): void {
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(this.#fd, bytes, done, bytes.length - done, this.#flushed + done);
    }
    this.#flushed += bytes.length;
  }
}

const ZEROS: Buffer = Buffer.alloc(1 << 16);
