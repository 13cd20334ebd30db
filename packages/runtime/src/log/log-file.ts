import { type FileHandle, open } from "node:fs/promises";
import { OrlopError } from "@orlop/core";
import {
  FIRST_RECORD,
  LENGTH_OPEN,
  LOG_BEGIN,
  LOG_KIND,
  LOG_RECORD,
  RECORD_ALIGN_BYTES,
  RECORD_MAX_BYTES,
} from "./log-layout.ts";
import { decodeLogRecord, type LogRecord } from "./log-record.ts";

/** Read at once. A record, with those before that end in the same place, is within. */
const BLOCK_BYTES = 4 * RECORD_MAX_BYTES;

/** What has come of a record: all that is not known yet. */
export interface LogPiece {
  readonly kind: number;
  readonly timeNs: bigint;
  readonly data: Buffer;
}

/** One file of a log, read from record to record, while a pump may be writing to it. */
export class LogFile implements AsyncDisposable {
  readonly path: string;
  readonly inode: bigint;
  readonly #handle: FileHandle;
  /** Where the record begins that is to be read next. */
  #at = 0;
  /** Where the record before it began. */
  #last = 0;
  /** Of that record, when it is not finished: what was read of it already, and the time that tells it from another. */
  #taken = { bytes: 0, timeNs: 0n };
  #block: Buffer = Buffer.alloc(0);
  #blockAt = 0;

  private constructor(path: string, inode: bigint, handle: FileHandle) {
    this.path = path;
    this.inode = inode;
    this.#handle = handle;
  }

  static async open(path: string): Promise<LogFile> {
    const handle = await open(path, "r");
    try {
      return new LogFile(path, (await handle.stat({ bigint: true })).ino, handle);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }

  /** It has no name any more. */
  async isRemoved(): Promise<boolean> {
    return (await this.#handle.stat()).nlink === 0;
  }

  /** Unix time of its last change. */
  async changedNs(): Promise<bigint> {
    return (await this.#handle.stat({ bigint: true })).mtimeNs;
  }

  get at(): number {
    return this.#at;
  }

  /** Goes to the beginning. */
  rewind(): void {
    this.#at = 0;
    this.#taken = { bytes: 0, timeNs: 0n };
  }

  /** The next piece; undefined at the end of what is there. Throws where there is no record, which is said again if asked again. */
  async next(): Promise<LogPiece | undefined> {
    for (;;) {
      const header = decodeLogRecord(this.#cached(this.#at, LOG_RECORD.size) ?? (await this.#read(this.#at)));
      if (header === undefined) {
        // What is cached may be older than what is there.
        const bytes = await this.#read(this.#at);
        if (bytes.length < LOG_RECORD.size) return undefined;
        if (decodeLogRecord(bytes) === undefined) throw this.#damaged(this.#at, "there is no record");
        continue;
      }
      if (header.timeNs !== this.#taken.timeNs) this.#taken = { bytes: 0, timeNs: header.timeNs };
      const piece = header.length === LENGTH_OPEN ? await this.#nextOpen() : await this.#nextFinished(header);
      if (piece !== "again") return piece;
    }
  }

  async #nextFinished(header: LogRecord): Promise<LogPiece> {
    const { kind, length, timeNs } = header;
    if (length > RECORD_MAX_BYTES) throw this.#damaged(this.#at, `there is a record of ${length} bytes`);
    const size = LOG_RECORD.size + length;
    let bytes = this.#cached(this.#at, size);
    if (bytes === undefined) {
      bytes = (await this.#read(this.#at)).subarray(0, size);
      if (bytes.length < size) throw this.#damaged(this.#at, `there are ${bytes.length} bytes of ${size}`);
    }
    this.#last = this.#at;
    this.#at += Math.ceil(size / RECORD_ALIGN_BYTES) * RECORD_ALIGN_BYTES;
    const data = bytes.subarray(LOG_RECORD.size + this.#taken.bytes);
    this.#taken = { bytes: 0, timeNs: 0n };
    return { kind, timeNs, data };
  }

  /** A record that is not finished goes as far as the file, if it is still not finished when that has been read. */
  async #nextOpen(): Promise<LogPiece | undefined | "again"> {
    const bytes = await this.#read(this.#at);
    const again = await this.#read(this.#at, LOG_RECORD.size);
    const header = decodeLogRecord(bytes);
    if (header === undefined || !again.equals(bytes.subarray(0, LOG_RECORD.size))) return "again";
    if (header.length !== LENGTH_OPEN) return "again";
    // Whatever comes next is newer than this.
    this.#block = this.#block.subarray(0, 0);
    if (header.timeNs !== this.#taken.timeNs) this.#taken = { bytes: 0, timeNs: header.timeNs };
    const data = bytes.subarray(LOG_RECORD.size + this.#taken.bytes);
    if (bytes.length > LOG_RECORD.size + RECORD_MAX_BYTES) {
      throw this.#damaged(this.#at, "there is a record without an end");
    }
    if (data.length === 0) return undefined;
    this.#taken = { bytes: this.#taken.bytes + data.length, timeNs: header.timeNs };
    return { kind: header.kind, timeNs: header.timeNs, data };
  }

  /** Goes to the end of what is there; says of which kind the last record is. */
  async seekEnd(): Promise<number> {
    const begin = await this.#read(0, FIRST_RECORD);
    if (begin.length === 0) return LOG_KIND.begin;
    const checkpoint = begin.length === FIRST_RECORD ? Number(begin.readBigUInt64LE(LOG_RECORD.size)) : 0;
    const previous = Number(begin.length === FIRST_RECORD ? begin.readBigUInt64LE(LOG_RECORD.size + 8) : 0);
    if (decodeLogRecord(begin)?.kind !== LOG_KIND.begin || begin.readUInt32LE(8) !== LOG_BEGIN.size) {
      throw this.#damaged(0, "no log begins");
    }
    const start = checkpoint - previous;
    const { size } = await this.#handle.stat();
    this.#at = start >= 0 && start <= size && start % RECORD_ALIGN_BYTES === 0 ? start : 0;
    this.#taken = { bytes: 0, timeNs: 0n };
    this.#block = this.#block.subarray(0, 0);
    let kind: number = LOG_KIND.begin;
    for (let piece = await this.next(); piece !== undefined; piece = await this.next()) kind = piece.kind;
    return kind;
  }

  /**
   * Goes back by whole records that together have at least so many bytes, from the end that {@link seekEnd} went to; false
   * where that is the beginning.
   */
  async seekBack(bytes: number): Promise<boolean> {
    const limit = this.#at - bytes;
    let at = this.#at;
    this.#taken = { bytes: 0, timeNs: 0n };
    // At the end there is no header yet that would tell where the record before it starts.
    if (decodeLogRecord(await this.#before(at)) === undefined) at = this.#last;
    while (at > FIRST_RECORD && at > limit) {
      const header = decodeLogRecord(await this.#before(at));
      const isSound = header !== undefined && header.previous >= LOG_RECORD.size && header.previous <= at;
      // What is damaged is read from the beginning, as far as it goes.
      at = isSound ? at - header.previous : 0;
    }
    this.#at = at > FIRST_RECORD ? at : 0;
    return this.#at > 0;
  }

  /** The time of the record that is to be read next; undefined when there is none. */
  async nextTimeNs(): Promise<bigint | undefined> {
    return decodeLogRecord(await this.#before(this.#at))?.timeNs;
  }

  /** The header at `at`, out of a block that goes on towards the beginning. */
  async #before(at: number): Promise<Buffer> {
    const cached = this.#cached(at, LOG_RECORD.size);
    if (cached !== undefined) return cached;
    const start = Math.max(0, at + LOG_RECORD.size - BLOCK_BYTES);
    await this.#read(start);
    return this.#cached(at, LOG_RECORD.size) ?? Buffer.alloc(0);
  }

  #cached(at: number, length: number): Buffer | undefined {
    const start = at - this.#blockAt;
    if (start < 0 || start + length > this.#block.length) return undefined;
    return this.#block.subarray(start, start + length);
  }

  /** What is at `at` now; without a length, a block of it, which is kept. */
  async #read(at: number, length?: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(length ?? BLOCK_BYTES);
    const { bytesRead } = await this.#handle.read(buffer, 0, buffer.length, at);
    const bytes = buffer.subarray(0, bytesRead);
    if (length === undefined) {
      this.#block = bytes;
      this.#blockAt = at;
    }
    return bytes;
  }

  #damaged(at: number, what: string): OrlopError {
    return new OrlopError("failed", `Cannot read log "${this.path}": at byte ${at} ${what}`, { operation: "read log" });
  }
}
