import { isProcessThere } from "@orlop/kernel";
import { ContainerDirectory } from "./container-directory.ts";

/**
 * By a look at each init, and whether each has a reaper, or one that was killed: others remove their pipe. That is two system
 * calls for each, of which there may be thousands: `join` would take longer than those. Of a reaper that this process hears
 * none is needed: it says so when it has reaped init, whose pid nobody else can have before.
 *
 * @param heardPid of an init that runs, as far as this process has heard
 */
export function mayHaveEnded(
  root: string,
  inits: ReadonlyMap<string, number>,
  heardPid: (id: string) => number | undefined,
): ReadonlySet<string> {
  const ended = new Set<string>();
  for (const [id, pid] of inits) {
    const runs = isProcessThere(pid) && (heardPid(id) === pid || new ContainerDirectory(`${root}/${id}`).hasControl());
    if (!runs) ended.add(id);
  }
  return ended;
}
