import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isMarkAlive, ownProcessMark } from "./process-mark.ts";

/**
 * A directory of this process, below `parent`, that is removed with everything in it on disposal. Directories of the
 * same kind whose process has died without that are removed as well.
 */
export class OwnDirectory implements Disposable {
  readonly path: string;

  constructor(parent: string, kind: string, mode: number) {
    mkdirSync(parent, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(parent)) {
      if (name.startsWith(`${kind}-`) && !isMarkAlive(name.slice(kind.length + 1))) remove(join(parent, name));
    }
    this.path = join(parent, `${kind}-${ownProcessMark()}`);
    mkdirSync(this.path, { mode });
  }

  [Symbol.dispose](): void {
    remove(this.path);
  }
}

function remove(path: string): void {
  rmSync(path, { recursive: true, force: true });
}
