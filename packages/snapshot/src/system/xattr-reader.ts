import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ReadXattrs } from "@orlop/image/files";
import { readXattrs } from "./read-xattrs.ts";
import { SystemCalls } from "./system-calls.ts";

/** Reads extended attributes of files, for who makes layers of directories. */
export class XattrReader implements Disposable {
  readonly #system = new SystemCalls();
  readonly #directory: string = mkdtempSync(join(tmpdir(), "orlop-xattrs-"));

  readonly read: ReadXattrs = async (directory, paths) =>
    await readXattrs(this.#system, directory, paths, join(this.#directory, "values"));

  [Symbol.dispose](): void {
    this.#system[Symbol.dispose]();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
