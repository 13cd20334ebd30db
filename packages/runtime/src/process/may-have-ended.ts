import { isProcessThere } from "@orlop/kernel";
import { ContainerDirectory } from "./container-directory.ts";

/**
 * By a look at each init, and whether each has a reaper, or one that was killed: others remove their pipe. That is two system
 * calls for each, of which there may be thousands: `join` would take longer than those.
 */
export function mayHaveEnded(root: string, inits: ReadonlyMap<string, number>): ReadonlySet<string> {
  const ended = new Set<string>();
  for (const [id, pid] of inits) {
    if (!isProcessThere(pid) || !new ContainerDirectory(`${root}/${id}`).hasControl()) ended.add(id);
  }
  return ended;
}
