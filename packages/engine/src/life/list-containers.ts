import type { EngineContext } from "../engine-context.ts";
import { tryLockContainer } from "../state/container-places.ts";
import { type Container, newestFirst } from "../state/container-rows.ts";
import { findChanged } from "./find-changed.ts";
import { transientNow } from "./transient-container.ts";

/**
 * All containers, the newest first.
 *
 * @param isActive only those of which something runs; some of them may have ended in this moment
 * @param settle writes down what has become of one whose lock is held; undefined where it is gone
 */
export async function listContainers(
  context: EngineContext,
  isActive: boolean,
  settle: (id: string) => Promise<Container | undefined>,
): Promise<readonly Container[]> {
  const { rows } = context;
  const listed = isActive ? rows.unsettled() : rows.list();
  const transients = await Promise.all(context.transients().map((each) => transientNow(context, each)));
  const changed = await findChanged(context, listed);
  if (changed.length === 0 && transients.length === 0) return listed;
  const kept = new Map(listed.map((container) => [container.id, container]));
  for (const { id } of changed) {
    // Whoever holds it is changing it just now.
    using lock = tryLockContainer(context, id);
    const settled = lock === undefined ? rows.get(id) : await settle(id);
    if (settled === undefined) kept.delete(id);
    else kept.set(id, settled);
  }
  return [...transients, ...kept.values()].sort(newestFirst);
}
