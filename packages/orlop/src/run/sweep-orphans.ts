import { unlessMissing } from "@orlop/core";
import { containerEvent } from "@orlop/engine/container-event";
import { EventJournal } from "@orlop/engine/event-journal";
import { isMarkAlive } from "@orlop/kernel";
import { callerMark } from "../caller/caller-mark.ts";
import { openRuntime } from "./open-runtime.ts";
import { type Orphan, removeOrphans } from "./run-marker.ts";
import { parseRuntime } from "./runtime-choice.ts";

/** 128 and SIGKILL. */
const KILLED_EXIT_CODE = 137;

/** Removes what is left of containers whose maker was to stay with them, and has died. */
export async function sweepOrphans(stateDirectory: string): Promise<void> {
  const own = callerMark();
  // Who asks is alive: that needs no look, and most often there is nobody else.
  const isOrphaned = (mark: string): boolean => mark !== own && !isMarkAlive(mark);
  await removeOrphans(stateDirectory, (id, orphan) => removeOrphan(stateDirectory, id, orphan), isOrphaned);
}

/**
 * Removes those of one maker, which may live yet.
 *
 * @param before what is done with each first
 */
export async function removeContainersOf(
  stateDirectory: string,
  processMark: string,
  before: (id: string, orphan: Orphan) => Promise<void> = async () => {},
): Promise<void> {
  const remove = async (id: string, orphan: Orphan): Promise<void> => {
    await before(id, orphan);
    await removeOrphan(stateDirectory, id, orphan);
  };
  await removeOrphans(stateDirectory, remove, (mark) => mark === processMark);
}

/** The runtime that made it knows how; what it has written goes, whether its maker lives yet or not. */
async function removeOrphan(stateDirectory: string, id: string, orphan: Orphan): Promise<void> {
  const { runtime, root } = orphan;
  using open = await openRuntime(parseRuntime(runtime), stateDirectory, "ignore");
  await open.runtime.delete(id, { force: true });
  tellEnd(id, orphan);
  if (root?.kind !== "snapshot") return;
  const { Depot } = await import("../store/open-depot.ts");
  await using depot = new Depot(root.store);
  const snapshotter = await depot.snapshotterOf(root.snapshotter);
  await unlessMissing(snapshotter.remove(root.key));
  await depot.collectGarbage();
}

/** Events have told of its start: it was killed with its maker. */
function tellEnd(id: string, { depot, name, image, labels }: Orphan): void {
  if (depot === undefined || name === undefined || image === undefined || labels === undefined) return;
  const container = { id, name, image, labels };
  const die = containerEvent(container, "die", { exitCode: String(KILLED_EXIT_CODE) });
  new EventJournal(depot).note(die, containerEvent(container, "destroy"));
}
