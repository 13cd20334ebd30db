import { OrlopError } from "@orlop/core";
import type { ContainerDirectory } from "../process/container-directory.ts";
import { PinnedProcess } from "../process/pinned-process.ts";

const LOOK_MS = 1000;
/** What a reaper has to tell may be under way at the first look. */
const LOOKS = 2;

/**
 * Looks whether a process still has a reaper that will tell of its end. Who stands for the process in the foreground is the
 * reaper's parent, and says nothing to anybody when that is killed. Dispose of it when the end is known.
 */
export class ReaperWatch implements Disposable {
  /** Rejects once the process has ended, or its directory has gone, and nobody will tell how. Never resolves. */
  readonly lost: Promise<never>;
  readonly #timer: NodeJS.Timeout;

  constructor(directory: ContainerDirectory) {
    const { promise, reject } = Promise.withResolvers<never>();
    this.lost = promise;
    // It is only asked for until the end is known.
    promise.catch(() => {});
    let looks = 0;
    this.#timer = setInterval(() => {
      looks = directory.supervised() || lives(directory) ? 0 : looks + 1;
      if (looks < LOOKS) return;
      reject(new OrlopError("failed", "Cannot tell how the process ended: its reaper was killed"));
    }, LOOK_MS).unref();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

function lives(directory: ContainerDirectory): boolean {
  const created = directory.created();
  using child = created && PinnedProcess.open(created.value, created.atMs);
  return child?.alive() === true;
}
