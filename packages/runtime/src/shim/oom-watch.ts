import { type FSWatcher, watch } from "node:fs";
import { join } from "node:path";
import { type CgroupDirectory, readOomEvents } from "@orlop/kernel";

/**
 * Hears when the kernel kills something in a container for lack of memory, on version 2 of cgroups: version 1 tells it by an
 * eventfd, which Node cannot have. There it is known when the container ends.
 */
export class OomWatch implements Disposable {
  readonly #directories: readonly CgroupDirectory[];
  readonly #onKill: () => void;
  readonly #watcher: FSWatcher | undefined;
  #kills = 0n;

  constructor(directories: readonly CgroupDirectory[], onKill: () => void) {
    this.#directories = directories;
    this.#onKill = onKill;
    const memory = directories.find(({ version, controllers }) => version === 2 && controllers.includes("memory"));
    if (memory !== undefined) this.#watcher = this.#watch(join(memory.path, "memory.events"));
  }

  /** Somebody has been told. */
  get hasHeard(): boolean {
    return this.#kills > 0n;
  }

  #watch(path: string): FSWatcher | undefined {
    try {
      return watch(path, () => this.#look()).on("error", () => {});
    } catch {
      // No more watches are to be had, or the cgroup has gone: then it is known at the end.
      return undefined;
    }
  }

  #look(): void {
    const kills = readOomEvents(this.#directories)?.kills ?? 0n;
    if (kills <= this.#kills) return;
    this.#kills = kills;
    this.#onKill();
  }

  [Symbol.dispose](): void {
    this.#watcher?.close();
  }
}
