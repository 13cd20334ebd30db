import type { Database } from "@orlop/image";
import { CONTAINER_TABLES } from "./container-rows.ts";
import { type EngineEvent, EventRows } from "./event-rows.ts";

/** Notes what has happened to something that no engine looks after, as to an image, beside what an engine notes itself. */
export function recordEvent(database: Database, event: Omit<EngineEvent, "number">): void {
  database.add(CONTAINER_TABLES);
  database.transaction(() => new EventRows(database).add(event), { durable: false });
}
