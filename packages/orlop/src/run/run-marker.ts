import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isMarkAlive, ownProcessMark } from "./process-mark.ts";

/**
 * Notes that this process looks after a container, so that a later one can clean up if it does not come to do so itself.
 */
export class RunMarker implements Disposable {
  readonly #path: string;

  constructor(stateDirectory: string, id: string) {
    const directory = markerDirectory(stateDirectory);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.#path = join(directory, `${ownProcessMark()}-${id}`);
    writeFileSync(this.#path, "", { flag: "wx", mode: 0o600 });
  }

  [Symbol.dispose](): void {
    rmSync(this.#path, { force: true });
  }
}

/** Hands each container whose `run` has died to `remove`, and forgets it then. */
export async function removeOrphans(stateDirectory: string, remove: (id: string) => Promise<void>): Promise<void> {
  const directory = markerDirectory(stateDirectory);
  for (const name of readdirSync(directory)) {
    const dash = name.indexOf("-");
    if (isMarkAlive(name.slice(0, dash))) continue;
    await remove(name.slice(dash + 1));
    rmSync(join(directory, name), { force: true });
  }
}

function markerDirectory(stateDirectory: string): string {
  return join(stateDirectory, "runs");
}
