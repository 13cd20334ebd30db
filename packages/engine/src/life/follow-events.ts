import type { EngineContext } from "../engine-context.ts";
import { EventJournal } from "../state/event-journal.ts";
import type { EngineEvent } from "../state/event-rows.ts";
import { watchDatabase } from "../state/watch-database.ts";

export interface EventOptions {
  /** Unix time; absent: from now on. */
  readonly sinceMs?: number;
  /** Unix time; absent: for ever. */
  readonly untilMs?: number;
  readonly signal: AbortSignal;
}

/** Somebody may change the database without this process hearing of it at once. */
const LOOK_EVERY_MS = 1000;

/** Events as they come, whichever process they are of: the file of the database tells when to look. */
export async function* followEvents(
  { events, database, journal }: Pick<EngineContext, "events" | "database" | "journal">,
  { sinceMs, untilMs = Number.POSITIVE_INFINITY, signal }: EventOptions,
): AsyncGenerator<EngineEvent> {
  journal.takeIn(database);
  let last = sinceMs === undefined ? events.last() : 0;
  let wake = Promise.withResolvers<void>();
  const look = (): void => wake.resolve();
  // From before the first look, so that nothing is missed between the two.
  using _watcher = watchDatabase(database.path, look, EventJournal.isNamed);
  const timer = setInterval(look, LOOK_EVERY_MS);
  const end = setTimeout(look, Math.min(Math.max(untilMs - Date.now(), 0), 2 ** 31 - 1));
  signal.addEventListener("abort", look);
  try {
    while (!signal.aborted) {
      const isLast = Date.now() >= untilMs;
      journal.takeIn(database);
      for (const event of events.after(last)) {
        last = Math.max(last, event.number);
        if (event.atMs >= (sinceMs ?? 0) && event.atMs <= untilMs) yield event;
      }
      if (isLast) return;
      await wake.promise;
      wake = Promise.withResolvers();
    }
  } finally {
    clearInterval(timer);
    clearTimeout(end);
    signal.removeEventListener("abort", look);
  }
}
