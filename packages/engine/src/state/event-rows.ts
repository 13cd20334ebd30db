import type { Database } from "@orlop/image";

/** Something that has happened, in docker's words. */
export interface EngineEvent {
  /** Grows from each to the next. */
  readonly number: number;
  readonly atMs: number;
  readonly type: "container" | "image" | "network" | "pod" | "volume";
  /** `create`, `start`, `die`, `destroy`, ... */
  readonly action: string;
  /** Of what it happened to. */
  readonly id: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** One that has no number yet. */
export type NewEvent = Omit<EngineEvent, "number">;

/** So many are kept, and at most a quarter more. */
const EVENTS_KEPT = 10_000;

/** Rows of events; added within the transaction that changes what they tell of. */
export class EventRows {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  add({ atMs, type, action, id, attributes }: NewEvent): void {
    const sql = "insert into engine_events (at_ms, type, action, id, attributes) values (?, ?, ?, ?, ?)";
    this.#database.run(sql, atMs, type, action, id, JSON.stringify(attributes));
    const number = Number(this.#database.get("select last_insert_rowid() as number")?.number);
    if (number % (EVENTS_KEPT / 4) === 0) {
      this.#database.run("delete from engine_events where number <= ?", number - EVENTS_KEPT);
    }
  }

  /** Those after a number, in the order in which they have happened: what is taken in from a journal comes later. */
  after(number: number): readonly EngineEvent[] {
    const rows = this.#database.all("select * from engine_events where number > ? order by at_ms, number", number);
    return rows.map((row) => ({
      number: Number(row.number),
      atMs: Number(row.at_ms),
      type: String(row.type) as EngineEvent["type"],
      action: String(row.action),
      id: String(row.id),
      attributes: JSON.parse(String(row.attributes)) as EngineEvent["attributes"],
    }));
  }

  /** The number of the last one; 0 before the first. */
  last(): number {
    return Number(this.#database.get("select max(number) as number from engine_events")?.number ?? 0);
  }
}
