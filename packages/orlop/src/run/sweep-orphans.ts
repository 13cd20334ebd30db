import { unlessMissing } from "@orlop/core";
import { openRuntime } from "./open-runtime.ts";
import { type Orphan, removeOrphans } from "./run-marker.ts";
import { parseRuntime } from "./runtime-choice.ts";

/** Removes what is left of containers whose maker was to stay with them, and has died. */
export async function sweepOrphans(stateDirectory: string): Promise<void> {
  await removeOrphans(stateDirectory, (id, orphan) => removeOrphan(stateDirectory, id, orphan));
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
async function removeOrphan(stateDirectory: string, id: string, { runtime, root }: Orphan): Promise<void> {
  using open = await openRuntime(parseRuntime(runtime), stateDirectory, "ignore");
  await open.runtime.delete(id, { force: true });
  if (root?.kind !== "snapshot") return;
  const { Depot } = await import("../store/open-depot.ts");
  await using depot = new Depot(root.store);
  const snapshotter = await depot.snapshotterOf(root.snapshotter);
  await unlessMissing(snapshotter.remove(root.key));
  await depot.collectGarbage();
}
