import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { type ByteRange, type ContentInfo, type Digest, type Ingest, type Labels, OrlopError } from "@orlop/core";
import { systemFailure } from "@orlop/kernel";
import { ContentHash } from "./content-hash.ts";
import type { IngestDirectory } from "./ingest-directory.ts";
import { RangeSet } from "./range-set.ts";
import { RangesLog } from "./ranges-log.ts";

const FOLLOW_BYTES = 512 * 1024;

interface LocalIngestOptions {
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly directory: IngestDirectory;
  /** Makes the verified file, which is durable, the blob. */
  readonly publish: (labels: Labels) => Promise<ContentInfo>;
  /** Where the file is once it has been published. */
  readonly blobPath: string;
  /** The ingest is over; the next one of the same process may begin. */
  readonly onEnd: () => void;
}

/** A blob on its way into a directory of its own, which is locked for as long as this object lives. */
export class LocalIngest implements Ingest {
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly #options: LocalIngestOptions;
  readonly #file: FileHandle;
  readonly #log: RangesLog;
  readonly #hash: ContentHash;
  /** What is there, whole. */
  readonly #written: RangeSet;
  /** What is there or being written: no byte is written twice, so that what was hashed is what is there. */
  readonly #claimed = new RangeSet();
  readonly #writing = new Set<Promise<unknown>>();
  #state: "open" | "committing" | "committed" | "ended" = "open";
  #progress = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();

  private constructor(options: LocalIngestOptions, file: FileHandle, log: RangesLog, written: RangeSet) {
    this.digest = options.digest;
    this.sizeBytes = options.sizeBytes;
    this.#options = options;
    this.#file = file;
    this.#log = log;
    this.#written = written;
    this.#hash = new ContentHash(options.digest);
    for (const { offset, length } of written.ranges()) this.#claimed.add(offset, offset + length);
    this.#catchUp();
  }

  static async open(options: LocalIngestOptions): Promise<LocalIngest> {
    const { directory, sizeBytes } = options;
    const record = directory.record(sizeBytes);
    const file = await open(directory.paths.data, constants.O_RDWR | constants.O_CREAT, 0o600);
    try {
      const log = new RangesLog(
        directory.paths.ranges,
        record === undefined ? { sizeBytes, startedAtMs: Date.now() } : "continued",
      );
      return new LocalIngest(options, file, log, record?.written ?? new RangeSet());
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  missing(): readonly ByteRange[] {
    return this.#written.missing(0, this.sizeBytes);
  }

  async write(chunk: Buffer, offset: number): Promise<void> {
    this.#checkOpen("write");
    const end = offset + chunk.length;
    if (!Number.isSafeInteger(offset) || offset < 0 || end > this.sizeBytes) {
      const what = `bytes up to ${end} were to be written, and it has ${this.sizeBytes}`;
      throw new OrlopError("invalid", `Cannot store blob "${this.digest}": ${what}`, { operation: "store blob" });
    }
    const parts = this.#claimed.missing(offset, end);
    this.#claimed.add(offset, end);
    const writes = parts.map((part) => {
      const first = part.offset - offset;
      return this.#writePart(chunk.subarray(first, first + part.length), part.offset);
    });
    for (const each of writes) this.#track(each);
    await Promise.all(writes);
  }

  async *follow(): AsyncGenerator<Buffer> {
    this.#checkKept();
    await using source = await this.#openSource();
    for (let position = 0; position < this.sizeBytes; ) {
      const available = this.#state === "committed" ? this.sizeBytes : this.#written.prefixBytes;
      this.#checkKept();
      if (available <= position) {
        await this.#progress.promise;
        continue;
      }
      const buffer = Buffer.allocUnsafe(Math.min(FOLLOW_BYTES, available - position));
      const { bytesRead } = await source.read(buffer, 0, buffer.length, position);
      if (bytesRead === 0) throw this.#lost();
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }

  async commit(labels: Labels = {}): Promise<ContentInfo> {
    this.#checkOpen("commit");
    this.#state = "committing";
    await Promise.allSettled(this.#writing);
    try {
      const info = await this.#commit(labels);
      await this.#end("committed");
      return info;
    } catch (error) {
      await this.#end("ended");
      throw this.#failure(error);
    }
  }

  async #commit(labels: Labels): Promise<ContentInfo> {
    const [gap] = this.missing();
    if (gap !== undefined) {
      const what = `${gap.length} bytes from ${gap.offset} on are missing`;
      throw new OrlopError("invalid", `Cannot store blob "${this.digest}": ${what}`, { operation: "store blob" });
    }
    try {
      await this.#hash.verify((buffer, offset) => this.#read(buffer, offset), this.sizeBytes);
      await this.#file.datasync();
    } catch (error) {
      // What is wrong, or not on the disk although the kernel took it: its memory says nothing any more after that.
      this.#written.clear();
      throw error;
    }
    return await this.#options.publish(labels);
  }

  /** Waits for a commit that is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state === "committing") await this.#ended.promise;
    if (this.#state !== "open") return;
    this.#state = "ended";
    await Promise.allSettled(this.#writing);
    await this.#end("ended");
  }

  async #writePart(part: Buffer, offset: number): Promise<void> {
    const end = offset + part.length;
    const writing = this.#writeAll(part, offset);
    // While the kernel copies it.
    this.#hash.offer(part, offset);
    try {
      await writing;
      this.#written.add(offset, end);
      this.#log.add(offset, end);
    } catch (error) {
      this.#hash.distrust();
      this.#claimed.remove(offset, end);
      this.#written.remove(offset, end);
      throw this.#failure(error);
    }
    this.#catchUp();
    this.#wake();
  }

  async #writeAll(part: Buffer, offset: number): Promise<void> {
    for (let done = 0; done < part.length; ) {
      const { bytesWritten } = await this.#file.write(part, done, part.length - done, offset + done);
      done += bytesWritten;
    }
  }

  async #read(buffer: Buffer, offset: number): Promise<number> {
    const { bytesRead } = await this.#file.read(buffer, 0, buffer.length, offset);
    return bytesRead;
  }

  #catchUp(): void {
    this.#hash.follow(
      (buffer, offset) => this.#read(buffer, offset),
      () => (this.#state === "open" ? this.#written.prefixBytes : 0),
    );
  }

  #track(work: Promise<unknown>): void {
    this.#writing.add(work);
    const forget = (): boolean => this.#writing.delete(work);
    work.then(forget, forget);
  }

  #wake(): void {
    const { resolve } = this.#progress;
    this.#progress = Promise.withResolvers();
    resolve();
  }

  /** Lets go of everything. What has been written stays for the next ingest, unless it has become the blob. */
  async #end(state: "committed" | "ended"): Promise<void> {
    this.#state = state;
    this.#wake();
    const { directory, onEnd } = this.#options;
    try {
      await this.#hash.settle();
      await this.#file.close();
      if (state === "committed" || this.#written.totalBytes === 0) directory.remove();
      else this.#log.flush();
    } catch {
      // A disk that is full or fails: what is not recorded has to come again, and what cannot be removed is left to
      // garbage collection. The blob, if it has become one, is there.
    } finally {
      this.#log[Symbol.dispose]();
      directory[Symbol.dispose]();
      onEnd();
      this.#ended.resolve();
    }
  }

  /** The data file, which a commit may be renaming. */
  async #openSource(): Promise<FileHandle> {
    try {
      return await open(this.#options.directory.paths.data);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      return await open(this.#options.blobPath);
    }
  }

  #checkOpen(what: string): void {
    if (this.#state === "open") return;
    throw new OrlopError("conflict", `Cannot ${what} blob "${this.digest}": its ingest is over`);
  }

  /** What an ingest that has failed holds may be wrong. */
  #checkKept(): void {
    if (this.#state === "ended") throw this.#lost();
  }

  #lost(): OrlopError {
    return new OrlopError("failed", `Cannot read blob "${this.digest}": it has not been taken in`);
  }

  #failure(error: unknown): unknown {
    return error instanceof OrlopError ? error : systemFailure(`store blob "${this.digest}"`, error);
  }
}
