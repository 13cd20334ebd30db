import { OrlopError } from "@orlop/core";
import type { LogFile, LogPiece } from "./log-file.ts";
import { LOG_KIND } from "./log-layout.ts";
import { openLogFiles, openNextFile } from "./log-names.ts";

/** Whoever looks for something from the end on looks so far back first, and so many times further each time. */
export const SEEK_FIRST_BYTES = 65_536;
export const SEEK_GROWTH = 8;

/** A place in a log, over all its files. */
export class LogCursor implements AsyncDisposable {
  readonly #file: string;
  readonly #maxFiles: number | undefined;
  /** Those that are known, the oldest first. */
  readonly #files: LogFile[];
  #index = 0;
  #damage: unknown;
  /** Nothing more can be read of the current one. */
  #isCurrentDamaged = false;
  #lastKind: number | undefined;

  private constructor(file: string, maxFiles: number | undefined, files: LogFile[]) {
    this.#file = file;
    this.#maxFiles = maxFiles;
    this.#files = files;
  }

  static async open(file: string, maxFiles: number | undefined): Promise<LogCursor> {
    const files = await openLogFiles(file, maxFiles);
    if (files.length === 0) throw new OrlopError("not-found", `Cannot read log "${file}": there is none`);
    return new LogCursor(file, maxFiles, files);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const file of this.#files.splice(0)) await file[Symbol.asyncDispose]();
  }

  /** The last that was read says that the run has ended. */
  get hasEnded(): boolean {
    return this.#lastKind === LOG_KIND.end;
  }

  /** Why something that should be there could not be read. */
  get damage(): unknown {
    return this.#damage;
  }

  /** There is something that can be read, or may be. */
  get isReadable(): boolean {
    return !this.#isCurrentDamaged;
  }

  get #current(): LogFile {
    return this.#files[this.#index] as LogFile;
  }

  /** The next piece; undefined at the end of what is there. */
  async next(): Promise<LogPiece | undefined> {
    for (;;) {
      const piece = await this.#nextOfCurrent();
      if (piece !== undefined) return piece;
      if (this.#index === this.#files.length - 1) {
        const newer = await openNextFile(this.#file, this.#current, this.#maxFiles);
        if (newer === undefined) return undefined;
        this.#files.push(newer);
        // What came between the look at its end and the new file.
        const last = await this.#nextOfCurrent();
        if (last !== undefined) return last;
      }
      this.#index++;
      this.#isCurrentDamaged = false;
      await this.#forget();
    }
  }

  async #nextOfCurrent(): Promise<LogPiece | undefined> {
    if (this.#isCurrentDamaged) return undefined;
    try {
      const piece = await this.#current.next();
      if (piece !== undefined) this.#lastKind = piece.kind;
      return piece;
    } catch (error) {
      this.#damage ??= error;
      this.#isCurrentDamaged = true;
      return undefined;
    }
  }

  /** Who follows does not come back to a file. */
  #isForgetful = false;
  async #forget(): Promise<void> {
    if (!this.#isForgetful) return;
    for (const file of this.#files.splice(0, this.#index)) await file[Symbol.asyncDispose]();
    this.#index = 0;
  }

  /** From here on there is no way back: files that have been read are closed. */
  async settle(): Promise<void> {
    this.#isForgetful = true;
    await this.#forget();
  }

  /** Leaves out files that were changed last before. */
  async skipBefore(timeNs: bigint): Promise<void> {
    while (this.#index < this.#files.length - 1 && (await this.#current.changedNs()) < timeNs) this.#index++;
  }

  /** Goes to the end of what is there. */
  async seekEnd(): Promise<void> {
    this.#index = this.#files.length - 1;
    try {
      this.#lastKind = await this.#current.seekEnd();
    } catch (error) {
      this.#damage ??= error;
      this.#isCurrentDamaged = true;
    }
  }

  /** Goes to where at least so many bytes of records follow; false where that is the beginning of all. */
  async seekBack(bytes: number): Promise<boolean> {
    this.#damage = undefined;
    this.#isCurrentDamaged = false;
    let rest = bytes;
    for (this.#index = this.#files.length - 1; ; this.#index--) {
      const file = this.#current;
      try {
        await file.seekEnd();
        const end = file.at;
        if (await file.seekBack(rest)) return true;
        rest -= end;
      } catch {
        // As far as it can be read, from its beginning.
        file.rewind();
      }
      if (this.#index === 0) return false;
      if (rest <= 0) return true;
    }
  }

  /** Goes to where everything follows that came at this time or later, with no more before it than need be. */
  async seekTime(timeNs: bigint): Promise<void> {
    for (let bytes = SEEK_FIRST_BYTES; await this.seekBack(bytes); bytes *= SEEK_GROWTH) {
      const found = await this.#current.nextTimeNs();
      if (found !== undefined && found < timeNs) return;
    }
  }

  /** The current file, when it has no name any more: it was removed, or a newer one has taken its place by now. */
  async removedFile(): Promise<LogFile | undefined> {
    return (await this.#current.isRemoved()) ? this.#current : undefined;
  }
}
