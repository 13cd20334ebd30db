import { randomUUID } from "node:crypto";
import { type FileHandle, open, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ByteRange } from "@orlop/core";

const READ_BYTES = 256 * 1024;
/** Written at once, since every write is a turn of the thread pool. */
const WRITE_BYTES = 1024 * 1024;

/** A file without a name: it goes with the process, however that ends. */
export class Spool implements AsyncDisposable {
  readonly #file: FileHandle;
  #size = 0;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async create(directory: string = tmpdir()): Promise<Spool> {
    const path = join(directory, `orlop-spool-${randomUUID()}`);
    const file = await open(path, "wx+", 0o600);
    await unlink(path);
    return new Spool(file);
  }

  get size(): number {
    return this.#size;
  }

  /** Adds chunks at the end. */
  async append(chunks: AsyncIterable<Buffer>): Promise<void> {
    let waiting: Buffer[] = [];
    let length = 0;
    // One write is on its way while the next one is put together.
    let writing = Promise.resolve();
    const flush = async (): Promise<void> => {
      await writing;
      const bytes = Buffer.concat(waiting, length);
      writing = this.#write(bytes, this.#size);
      writing.catch(() => {});
      this.#size += length;
      waiting = [];
      length = 0;
    };
    for await (const chunk of chunks) {
      waiting.push(chunk);
      length += chunk.length;
      if (length >= WRITE_BYTES) await flush();
    }
    await flush();
    await writing;
  }

  async *read({ offset, length }: ByteRange): AsyncGenerator<Buffer> {
    for (let at = offset; at < offset + length; ) {
      const chunk = Buffer.allocUnsafe(Math.min(READ_BYTES, offset + length - at));
      const { bytesRead } = await this.#file.read(chunk, 0, chunk.length, at);
      if (bytesRead === 0) throw new RangeError("a spool ends early");
      at += bytesRead;
      yield chunk.subarray(0, bytesRead);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }

  async #write(bytes: Buffer, position: number): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      done += (await this.#file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
    }
  }
}
