import { mkdirSync, renameSync, rmdirSync, rmSync, statSync } from "node:fs";
import { type Digest, OrlopError } from "@orlop/core";
import { FileLock, type FileLockOptions } from "../database/file-lock.ts";
import type { IngestPaths } from "./content-paths.ts";
import { type IngestRecord, RangesLog, readRangesLog } from "./ranges-log.ts";

/**
 * The directory of a blob that is partly there, held by this process alone until it is disposed of. Then it is gone, or
 * holds what the next process goes on with.
 */
export class IngestDirectory implements Disposable {
  readonly paths: IngestPaths;
  readonly #lock: FileLock;

  private constructor(paths: IngestPaths, lock: FileLock) {
    this.paths = paths;
    this.#lock = lock;
  }

  static async take(paths: IngestPaths, options: FileLockOptions): Promise<IngestDirectory> {
    for (;;) {
      mkdirSync(paths.directory, { recursive: true, mode: 0o700 });
      try {
        return new IngestDirectory(paths, await FileLock.take(paths.lock, options));
      } catch (error) {
        // Who held it has removed the directory meanwhile.
        if (statSync(paths.directory, { throwIfNoEntry: false }) !== undefined) throw error;
      }
    }
  }

  /** Undefined when somebody is at it, or when it is gone. */
  static try(paths: IngestPaths): IngestDirectory | undefined {
    try {
      const lock = FileLock.try(paths.lock);
      return lock && new IngestDirectory(paths, lock);
    } catch (error) {
      if (statSync(paths.directory, { throwIfNoEntry: false }) === undefined) return undefined;
      throw error;
    }
  }

  /** Makes the directory where it is not there. Undefined when somebody is at it. */
  static claim(paths: IngestPaths): IngestDirectory | undefined {
    mkdirSync(paths.directory, { recursive: true, mode: 0o700 });
    return IngestDirectory.try(paths);
  }

  /**
   * What is there of the blob, to be gone on with. What was begun for another size is dropped: one of the two lied, and
   * nothing tells which.
   */
  record(sizeBytes: number): IngestRecord | undefined {
    const record = readRangesLog(this.paths.ranges);
    const held = statSync(this.paths.data, { throwIfNoEntry: false })?.size ?? 0;
    if (record === undefined || record.sizeBytes !== sizeBytes) {
      this.drop();
      return undefined;
    }
    record.written.remove(held, sizeBytes);
    return record;
  }

  /** Takes in a file that was a blob before, as one that is wholly there and has to be verified. */
  adopt(path: string, sizeBytes: number, startedAtMs: number): void {
    this.drop();
    // The record first: without its content it promises nothing, while content without a record would be lost.
    using log = new RangesLog(this.paths.ranges, { sizeBytes, startedAtMs });
    log.add(0, sizeBytes);
    log.flush();
    renameSync(path, this.paths.data);
  }

  /** Forgets what is there. */
  drop(): void {
    rmSync(this.paths.ranges, { force: true });
    rmSync(this.paths.data, { force: true });
  }

  /** Removes it with what is in it, and lets go. */
  remove(): void {
    this.drop();
    this.#lock.remove();
    try {
      rmdirSync(this.paths.directory);
    } catch (error) {
      // The next process may have made its own lock in it by now, or removed it already.
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "ENOTEMPTY" && code !== "ENOENT") throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#lock[Symbol.dispose]();
  }
}

/** So that nothing of a lying descriptor comes near the disk. */
export function checkSize(digest: Digest, sizeBytes: number): void {
  if (Number.isSafeInteger(sizeBytes) && sizeBytes >= 0) return;
  throw new OrlopError("invalid", `Cannot store blob "${digest}": its size ${sizeBytes} is no number of bytes`);
}
