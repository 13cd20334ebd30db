import { OrlopError } from "@orlop/core";
import type { CollectionPoint } from "./collection-point.ts";
import { type RemovedThing, removedBytes } from "./removed-thing.ts";
import { RowsCollection } from "./rows-collection.ts";
import type { CollectedStore } from "./store-view.ts";

/** So long what was cut off is kept, for who tries again. */
const LEFTOVER_AGE_MS = 24 * 60 * 60 * 1000;

/** So many files are open at once, and so much is removed while others wait for the database. */
const BATCH = 64;

export interface CollectOptions {
  readonly signal?: AbortSignal;
  /** Tells what would be removed and removes nothing. */
  readonly dryRun?: boolean;
  /** What is partly there of a blob goes when so long nothing has been written to it and no lease keeps it; a day if absent. */
  readonly leftoverAgeMs?: number;
}

export interface CollectedGarbage {
  /** In the order in which it went. */
  readonly removed: readonly RemovedThing[];
  /** What that took on the disk (st_blocks). */
  readonly freedBytes: number;
}

/**
 * Removes blobs and snapshots that neither the name of an image nor a lease leads to, leases that have ended, and what
 * processes that are gone have left behind.
 *
 * Any number of processes may use the store meanwhile, collect as well, and be killed: what a collection leaves the next one
 * finds. Nobody waits for it, but for the moment of a transaction. Who wants to use what is there has a lease keep it first, or
 * labels of a snapshot of his, and looks afterwards whether it is there: with what he finds all that it refers to stays.
 *
 * @throws OrlopError `cancelled`
 */
export async function collectGarbage(parts: CollectedStore, options: CollectOptions = {}): Promise<CollectedGarbage> {
  return await collectWith(parts, options);
}

/** For tests. */
interface CollectionSteps {
  /** So much is removed at once. */
  readonly batch?: number;
  /** Called at each point, for what others do there. */
  readonly at?: (point: CollectionPoint) => Promise<void>;
}

export async function collectWith(
  parts: CollectedStore,
  { signal, dryRun = false, leftoverAgeMs = LEFTOVER_AGE_MS }: CollectOptions,
  { at, batch = BATCH }: CollectionSteps = {},
): Promise<CollectedGarbage> {
  const reach = async (point: CollectionPoint): Promise<void> => {
    await at?.(point);
    if (!signal?.aborted) return;
    throw new OrlopError("cancelled", "Cannot collect garbage: it was ended before all was removed", {
      cause: signal.reason,
    });
  };
  await reach("end leases");
  const leases = dryRun ? [] : endLeases(parts);
  await reach("look");
  const rows = new RowsCollection(parts, batch);
  const removed = dryRun ? await rows.list() : await rows.remove(reach);
  await reach("clean up snapshots");
  if (!dryRun) for (const snapshots of parts.snapshots) await snapshots.cleanup();
  await reach("leftovers");
  const all = [...leases, ...removed, ...(await sweepLeftovers(parts, leftoverAgeMs, dryRun))];
  return { removed: all, freedBytes: removedBytes(all) };
}

function endLeases({ store }: CollectedStore): readonly RemovedThing[] {
  if (!store.leases.hasEnded()) return [];
  return store.leases.removeEnded().map((name) => ({ kind: "lease", name, diskBytes: 0 }));
}

async function sweepLeftovers(
  { store }: CollectedStore,
  ageMs: number,
  dryRun: boolean,
): Promise<readonly RemovedThing[]> {
  const leftovers = await store.content.leftovers();
  const kept = new Set(store.leases.kept().map((each) => (each.kind === "content" ? each.digest : "")));
  const before = Date.now() - ageMs;
  return leftovers
    .list()
    .filter(({ digest, touchedAtMs }) => !kept.has(digest) && touchedAtMs <= before)
    .filter((leftover) => dryRun || leftovers.remove(leftover))
    .map(({ kind, digest, diskBytes }) => ({ kind, name: digest, diskBytes }));
}
