import { renameSync } from "node:fs";
import { uptime } from "node:os";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import { PinnedProcess } from "../process/pinned-process.ts";
import { claimedStartPipe, claimOfStart, START_PIPE } from "../process/start-pipes.ts";

const MS_PER_SECOND = 1000;

/**
 * Takes the start of a container for this process, and returns the path of the pipe that its init waits at: the pipe gets
 * a name with this process in it, which rename(2) does for one of those who ask for it.
 *
 * The start of a process that was killed can be taken over. Throws `conflict` while one is at it, or where no init waits.
 */
export function claimStart(directory: string, id: string): string {
  const own = join(directory, claimedStartPipe(process.pid, Math.ceil(uptime() * MS_PER_SECOND)));
  if (renamed(join(directory, START_PIPE), own)) return own;
  const claim = claimOfStart(directory);
  if (claim === undefined) {
    throw new OrlopError("conflict", `Cannot start container "${id}": nothing in it waits to be started`);
  }
  using claimant = PinnedProcess.open(claim.pid, claim.aliveAtMs);
  if (claimant?.alive() !== true && renamed(join(directory, claim.name), own)) return own;
  throw new OrlopError("conflict", `Cannot start container "${id}": another call is starting it`);
}

function renamed(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}
