import { closeSync, fdatasync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { promisify } from "node:util";

const BUFFER_BYTES = 1 << 20;
/** What is read of a file is small, and next to what was read before. */
const WINDOW_BYTES = 1 << 18;
/** From so much on what is written is sent to the disk while more comes, so that there is little to wait for in the end. */
const SYNC_BYTES = 1 << 25;
const EMPTY: Buffer = Buffer.alloc(0);

/** A new file that is written from its start to its end, in large pieces. */
export class AppendFile implements Disposable {
  readonly path: string;
  readonly #fd: number;
  readonly #buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  #used = 0;
  #flushed = 0;
  #window = EMPTY;
  #windowAt = 0;
  /** The first error of a sync under way is that of all later ones: the kernel tells it once. */
  #synced: Promise<void> = Promise.resolve();
  #syncing = false;
  #syncedBytes = 0;

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
    if (bytes.length > BUFFER_BYTES - this.#used) this.flush();
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
    this.flush();
    this.#window = EMPTY;
    for (let done = 0; done < bytes.length; ) done += writeSync(this.#fd, bytes, done, bytes.length - done, at + done);
  }

  /** A view that holds until the next call. */
  read(at: number, length: number): Buffer {
    const start = at - this.#windowAt;
    if (start >= 0 && start + length <= this.#window.length) return this.#window.subarray(start, start + length);
    if (at + length > this.#flushed) this.flush();
    // Of both sides: some read towards the start.
    const from = Math.max(0, at - WINDOW_BYTES / 2);
    const bytes = Buffer.allocUnsafe(Math.max(at - from + length, WINDOW_BYTES));
    let done = 0;
    for (let got = -1; got !== 0 && done < bytes.length; done += got) {
      got = readSync(this.#fd, bytes, done, bytes.length - done, from + done);
    }
    if (done < at - from + length) throw new RangeError(`${this.path} has no ${length} bytes at ${at}`);
    this.#window = bytes.subarray(0, done);
    this.#windowAt = from;
    return bytes.subarray(at - from, at - from + length);
  }

  /** Everything is on the disk afterwards. */
  async sync(): Promise<void> {
    this.flush();
    await this.#synced;
    await promisify(fdatasync)(this.#fd);
  }

  /** Has what has been written so far go to the disk, if it is enough and the disk is not at work yet. */
  syncSoon(): void {
    if (this.#syncing || this.#flushed - this.#syncedBytes < SYNC_BYTES) return;
    this.#syncing = true;
    this.#syncedBytes = this.#flushed;
    this.#synced = this.#synced
      .then(() => promisify(fdatasync)(this.#fd))
      .finally(() => {
        this.#syncing = false;
      });
    this.#synced.catch(() => {});
  }

  remove(): void {
    rmSync(this.path, { force: true });
  }

  [Symbol.dispose](): void {
    // The kernel could give the number to another file.
    if (this.#syncing) this.#synced.catch(() => {}).finally(() => closeSync(this.#fd));
    else closeSync(this.#fd);
  }

  /** What has been appended is in the file afterwards, for others to read. */
  flush(): void {
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
