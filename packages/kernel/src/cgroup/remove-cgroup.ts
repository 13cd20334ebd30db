import { rmdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { OrlopError } from "@orlop/core";
import { errnoOf } from "./execute-operations.ts";
import { cgroupTree } from "./list-processes.ts";

/** A cgroup stays busy until the kernel has put away its last process: 1, 2, 4 ... ms, about a second in all. */
const REMOVE_ATTEMPT_MAX = 10;
const REMOVE_FIRST_WAIT_MS = 1;

/**
 * Removes cgroups and all below them, the deepest first. A cgroup that is gone already is fine. Every directory is
 * tried before the first failure is thrown: OrlopError("conflict") when one is still in use after the limit of
 * attempts, else by the kernel's errno.
 */
export async function removeCgroups(paths: readonly string[], signal?: AbortSignal): Promise<void> {
  // At once, so that busy cgroups of ten hierarchies are waited for together.
  const results = await Promise.allSettled(paths.map((path) => removeTree(path, signal)));
  for (const result of results) if (result.status === "rejected") throw result.reason;
}

async function removeTree(path: string, signal: AbortSignal | undefined): Promise<void> {
  // Most have none below them and are removed at once; the kernel refuses that for all others.
  const errno = tryRemove(path);
  if (errno === undefined || errno === "ENOENT") return;
  for (const directory of cgroupTree(path).toReversed()) await removeOne(directory, signal);
}

async function removeOne(directory: string, signal: AbortSignal | undefined): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const errno = tryRemove(directory);
    if (errno === undefined || errno === "ENOENT") return;
    if (errno !== "EBUSY" || attempt >= REMOVE_ATTEMPT_MAX) throw failure(directory, errno, attempt);
    if (signal?.aborted) {
      throw new OrlopError(
        "cancelled",
        `Cannot remove cgroup "${directory}": it was called off while the cgroup was busy`,
        {
          operation: "remove cgroup",
          cause: signal.reason,
        },
      );
    }
    await sleep(REMOVE_FIRST_WAIT_MS * 2 ** (attempt - 1));
  }
}

function tryRemove(directory: string): string | undefined {
  try {
    rmdirSync(directory);
    return undefined;
  } catch (error) {
    return errnoOf(error);
  }
}

function failure(directory: string, errno: string, attempts: number): OrlopError {
  const busy = errno === "EBUSY";
  const what = busy ? `it still has processes or children after ${attempts} attempts` : errno;
  const denied = ["EPERM", "EACCES", "EROFS"].includes(errno);
  return new OrlopError(
    busy ? "conflict" : denied ? "denied" : "failed",
    `Cannot remove cgroup "${directory}": ${what}`,
    {
      operation: "remove cgroup",
      errno,
    },
  );
}
