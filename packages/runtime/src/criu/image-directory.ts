import { existsSync, mkdirSync, readdirSync, rmdirSync, statSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";

/** Without it there is no checkpoint: CRIU writes it last, and reads it first. */
const INVENTORY = "inventory.img";

/** A directory that takes a checkpoint, or nothing of it. */
export class ImageDirectory {
  readonly path: string;
  /** What was there before, and when each was changed last. */
  readonly #before: ReadonlyMap<string, number>;

  /** Makes the directory where there is none. */
  constructor(path: string) {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    this.path = path;
    this.#before = new Map(readdirSync(path).map((name) => [name, this.#changedAt(name)]));
  }

  /** Removes what a dump that failed has written, all but its log. One that it wrote over is none any more. */
  discard(): void {
    const written = readdirSync(this.path).filter(
      (name) => !name.endsWith(".log") && this.#changedAt(name) !== this.#before.get(name),
    );
    if (written.length === 0) return;
    for (const name of new Set([...written, INVENTORY])) this.#remove(name);
    if (this.#before.size === 0 && readdirSync(this.path).length === 0) rmdirSync(this.path);
  }

  #remove(name: string): void {
    try {
      unlinkSync(join(this.path, name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }

  #changedAt(name: string): number {
    return statSync(join(this.path, name), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  }
}

/** @throws OrlopError `not-found` for a directory that is not there, or that holds no whole checkpoint */
export function checkImages(path: string): void {
  if (!existsSync(path)) {
    throw new OrlopError("not-found", `Cannot read checkpoint "${path}": no such file or directory`);
  }
  if (existsSync(join(path, INVENTORY))) return;
  throw new OrlopError(
    "not-found",
    `Cannot read checkpoint "${path}": it has no ${INVENTORY}: no such file or directory`,
  );
}
