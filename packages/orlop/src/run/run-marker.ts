import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isMarkAlive, ownProcessMark } from "@orlop/kernel";

/**
 * Notes that this process looks after a container, so that a later one can clean up if it does not come to do so itself.
 */
export class RunMarker implements Disposable {
  readonly #path: string;

  /** @param runtime name of the runtime that makes it */
  constructor(stateDirectory: string, id: string, runtime: string) {
    const directory = markerDirectory(stateDirectory);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.#path = join(directory, `${ownProcessMark()}-${id}`);
    writeFileSync(this.#path, runtime, { flag: "wx", mode: 0o600 });
  }

  [Symbol.dispose](): void {
    rmSync(this.#path, { force: true });
  }
}

/** Hands each container whose `run` has died to `remove`, with the name of its runtime, and forgets it then. */
export async function removeOrphans(
  stateDirectory: string,
  remove: (id: string, runtime: string) => Promise<void>,
): Promise<void> {
  const directory = markerDirectory(stateDirectory);
  for (const name of readdirSync(directory)) {
    const dash = name.indexOf("-");
    if (isMarkAlive(name.slice(0, dash))) continue;
    const runtime = readMarker(join(directory, name));
    if (runtime !== undefined) await remove(name.slice(dash + 1), runtime);
    rmSync(join(directory, name), { force: true });
  }
}

/** Undefined when another process has removed the orphan meanwhile. */
function readMarker(path: string): string | undefined {
  try {
    // What died between making the marker and filling it in has made no container.
    return readFileSync(path, "utf8") || "process";
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function markerDirectory(stateDirectory: string): string {
  return join(stateDirectory, "runs");
}
