import type { EngineEvent } from "@orlop/engine";
import { recordEvent } from "@orlop/engine/record-event";
import type { Database } from "@orlop/image";

/** Has events tell what was given back by removing all of a kind that nothing uses, in docker's words. */
export function tellPruned(database: Database, type: EngineEvent["type"], freedBytes: number): void {
  const attributes = { reclaimed: String(freedBytes) };
  recordEvent(database, { atMs: Date.now(), type, action: "prune", id: "", attributes });
}
