import { chmodSync, lstatSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isMarkAlive } from "@orlop/kernel";
import { caller } from "../caller/caller.ts";
import { callerMark } from "../caller/caller-mark.ts";

/** Tells the directories of one process apart. */
let made = 0;

/**
 * A directory of this process, below `parent`, that is removed with everything in it on disposal. Directories of the
 * same kind whose process has died without that are removed as well.
 */
export class OwnDirectory implements Disposable {
  readonly path: string;

  /** @param name tells it from others of the process; absent: some name */
  constructor(parent: string, kind: string, mode: number, name: string = String(made++)) {
    this.path = join(parent, `${kind}-${callerMark()}-${name}`);
    try {
      mkdirSync(this.path, { mode });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      mkdirSync(parent, { recursive: true, mode: 0o700 });
      mkdirSync(this.path, { mode });
    }
    // Nobody waits for that: it takes as long as there are many of them.
    caller().afterwards(() => removeOrphaned(parent, kind));
  }

  [Symbol.dispose](): void {
    removeTree(this.path);
  }
}

/** Removes directories of a kind whose process has died. */
export function removeOrphaned(parent: string, kind: string): void {
  for (const name of readdirSync(parent)) {
    const path = join(parent, name);
    // Of others with such a name, in a directory that everybody may write to, hands off.
    const isOurs =
      name.startsWith(`${kind}-`) && lstatSync(path, { throwIfNoEntry: false })?.uid === process.geteuid?.();
    if (isOurs && !isMarkAlive(name.slice(kind.length + 1).split("-", 1)[0] ?? "")) removeTree(path);
  }
}

/** Removes a directory, also where an image has taken from its owner, who is not root, the right to write in it. */
export function removeTree(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EACCES" && code !== "EPERM") throw error;
    openDirectories(path);
    rmSync(path, { recursive: true, force: true });
  }
}

function openDirectories(path: string): void {
  chmodSync(path, 0o700);
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) openDirectories(join(path, entry.name));
  }
}
