import assert from "node:assert/strict";
import { closeSync, fdatasync, openSync, readSync, rmSync, write, writeSync } from "node:fs";
import { promisify } from "node:util";

const BUFFER_BYTES = 1 << 20;
/** What is being written behind, and what is being filled: with more, memory that was written to long ago is used again. */
const BUFFERS_MAX = 4;
/** What is read of a file is small, and often near to what was read before, but seldom in the order of the file. */
const WINDOW_BYTES = 1 << 16;
const WINDOWS_MAX = 64;
/** From so much on what is written is sent to the disk while more comes, so that there is little to wait for in the end. */
const SYNC_BYTES = 1 << 25;

/** A new file that is written from its start to its end, in large pieces. */
export class AppendFile implements Disposable {
  readonly path: string;
  readonly #fd: number;
  #buffer: Buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  /** Those that other threads are at. */
  readonly #writing = new Set<Promise<void>>();
  readonly #spare: Buffer[] = [];
  #isBehind = false;
  #failure: { readonly error: unknown } | undefined;
  #used = 0;
  #flushed = 0;
  /** By their numbers from the start of the file; the one that was used last is the last. */
  readonly #windows = new Map<number, Buffer>();
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

  /**
   * From here on other threads write what is appended, until `settle`: copying it into the kernel's memory takes as long as
   * making it. What goes wrong there is thrown by a later call.
   */
  writeBehind(): void {
    this.#isBehind = true;
  }

  /** What has been appended is in the file afterwards, and what is appended from now on will be at once again. */
  async settle(): Promise<void> {
    this.#isBehind = false;
    await Promise.all(this.#writing);
    this.#throwFailure();
    this.flush();
  }

  /** No other thread is at it afterwards, whatever has come of that. */
  async idle(): Promise<void> {
    await Promise.allSettled([this.#synced, ...this.#writing]);
  }

  /** Over what has been appended before. */
  overwrite(bytes: Buffer, at: number): void {
    this.flush();
    this.#windows.clear();
    for (let done = 0; done < bytes.length; ) done += writeSync(this.#fd, bytes, done, bytes.length - done, at + done);
  }

  /** What was appended, most of it as a view into what has been read for others, too. */
  read(at: number, length: number): Buffer {
    const index = Math.floor(at / WINDOW_BYTES);
    const start = at - index * WINDOW_BYTES;
    const end = Math.min(start + length, WINDOW_BYTES);
    const part = this.#window(index, end).subarray(start, end);
    return part.length === length ? part : Buffer.concat([part, this.read(at + part.length, length - part.length)]);
  }

  /** With at least so many bytes. */
  #window(index: number, length: number): Buffer {
    let window = this.#windows.get(index);
    this.#windows.delete(index);
    if (window === undefined || window.length < length) {
      window = this.#readWindow(index * WINDOW_BYTES);
      if (window.length < length) throw new RangeError(`${this.path} ends before ${index * WINDOW_BYTES + length}`);
    }
    this.#windows.set(index, window);
    if (this.#windows.size > WINDOWS_MAX) this.#windows.delete(this.#windows.keys().next().value ?? index);
    return window;
  }

  #readWindow(from: number): Buffer {
    assert(this.#writing.size === 0, "a file is read while others write it");
    this.flush();
    const bytes = Buffer.allocUnsafe(WINDOW_BYTES);
    let done = 0;
    for (let got = -1; got !== 0 && done < bytes.length; done += got) {
      got = readSync(this.#fd, bytes, done, bytes.length - done, from + done);
    }
    return bytes.subarray(0, done);
  }

  /** Everything is on the disk afterwards. */
  async sync(): Promise<void> {
    await this.settle();
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
    if (this.#syncing || this.#writing.size > 0) {
      Promise.allSettled([this.#synced, ...this.#writing]).finally(() => closeSync(this.#fd));
    } else closeSync(this.#fd);
  }

  /** What has been appended is in the file afterwards, for others to read. */
  flush(): void {
    const { length } = this.#buffer;
    if (this.#used === 0) return;
    if (this.#isBehind && this.#writing.size < BUFFERS_MAX - 1) {
      this.#handOver();
      return;
    }
    this.#write(this.#used === length ? this.#buffer : this.#buffer.subarray(0, this.#used));
    this.#used = 0;
  }

  /** Has another thread write what has been gathered, and goes on with another buffer. */
  #handOver(): void {
    this.#throwFailure();
    const buffer = this.#buffer;
    const written = this.#writeBehind(buffer.subarray(0, this.#used), this.#flushed)
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        this.#writing.delete(written);
        this.#spare.push(buffer);
      });
    this.#writing.add(written);
    this.#flushed += this.#used;
    this.#buffer = this.#spare.pop() ?? Buffer.allocUnsafe(BUFFER_BYTES);
    this.#used = 0;
  }

  async #writeBehind(bytes: Buffer, at: number): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await writeAt(this.#fd, bytes, done, bytes.length - done, at + done);
      done += bytesWritten;
    }
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #write(bytes: Buffer): void {
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(this.#fd, bytes, done, bytes.length - done, this.#flushed + done);
    }
    this.#flushed += bytes.length;
  }
}

const writeAt = promisify(write);
const ZEROS: Buffer = Buffer.alloc(1 << 16);
