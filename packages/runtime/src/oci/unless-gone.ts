import { setTimeout } from "node:timers/promises";
import { type ErrorCode, OrlopError, type State } from "@orlop/core";

/** What is done to a container that runs, with runc's words for one that has stopped. */
const WORDS = {
  "exec in": "cannot exec in a stopped container",
  pause: "container not running",
  resume: "container not paused",
  update: "container not running",
  checkpoint: "container not running",
  "read statistics of": "container not running",
} as const;

/** What the kernel says of processes and cgroups that are gone, or on their way: a pid namespace whose init has ended gives ENOMEM. */
const KERNEL_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["not-found", "failed", "exhausted"]);

/** A process that cannot be entered any more is no zombie yet: 1, 2, 4 ... ms, 127 in all. */
const LOOK_MAX = 7;

/**
 * Does something to a container that may stop, or be deleted, at any moment. What fails for that says so, and not what the
 * kernel makes of it.
 *
 * @throws OrlopError `conflict` for a container that has stopped meanwhile, `not-found` for one that is deleted
 */
export async function unlessGone<T>(
  containers: { state(id: string): Promise<Pick<State, "status">> },
  id: string,
  action: keyof typeof WORDS,
  act: () => T | Promise<T>,
): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof OrlopError) || !KERNEL_CODES.has(error.code)) throw error;
    for (let look = 0; look < LOOK_MAX; look++) {
      const { status } = await containers.state(id);
      if (status === "stopped") {
        const message = `Cannot ${action} container "${id}": it has stopped meanwhile (${WORDS[action]})`;
        throw new OrlopError("conflict", message, { cause: error });
      }
      await setTimeout(2 ** look);
    }
    throw error;
  }
}
