import { rmSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import type { Digest } from "@orlop/core";
import type { BlobRows } from "./blob-rows.ts";
import { type ContentPaths, STAT_BLOCK_BYTES } from "./content-paths.ts";

/**
 * Blobs that a transaction may remove. Their files are open until this is disposed of: only then the kernel gives back their
 * space, which takes a while for large ones, and nobody waits for the database meanwhile.
 */
export class BlobRemoval implements AsyncDisposable {
  readonly #paths: ContentPaths;
  readonly #rows: BlobRows;
  readonly #files = new Map<Digest, { readonly handle: FileHandle; readonly diskBytes: number }>();

  private constructor(paths: ContentPaths, rows: BlobRows) {
    this.#paths = paths;
    this.#rows = rows;
  }

  static async open(paths: ContentPaths, rows: BlobRows, digests: readonly Digest[]): Promise<BlobRemoval> {
    const removal = new BlobRemoval(paths, rows);
    try {
      for (const digest of digests) await removal.#open(digest);
      return removal;
    } catch (error) {
      await removal[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Within a transaction. The result is what it took on the disk; undefined when it is gone already. */
  remove(digest: Digest): number | undefined {
    // Without a row the file is what a process is about to make a blob of.
    if (!this.#rows.delete(digest)) return undefined;
    rmSync(this.#paths.blob(digest), { force: true });
    return this.#files.get(digest)?.diskBytes ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { handle } of this.#files.values()) await handle.close();
    this.#files.clear();
  }

  async #open(digest: Digest): Promise<void> {
    try {
      const handle = await open(this.#paths.blob(digest));
      this.#files.set(digest, { handle, diskBytes: 0 });
      const { blocks } = await handle.stat();
      this.#files.set(digest, { handle, diskBytes: blocks * STAT_BLOCK_BYTES });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
}
