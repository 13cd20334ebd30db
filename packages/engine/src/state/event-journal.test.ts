import assert from "node:assert/strict";
import { appendFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Database } from "@orlop/image";
import { withTemporaryDirectory } from "@orlop/testkit";
import { CONTAINER_TABLES } from "./container-rows.ts";
import { EventJournal } from "./event-journal.ts";
import { EventRows, type NewEvent } from "./event-rows.ts";

function event(action: string, atMs: number, attributes: Readonly<Record<string, string>> = {}): NewEvent {
  return { atMs, type: "container", action, id: "1".repeat(64), attributes };
}

function withJournal(work: (events: EventRows, database: Database, directory: string) => void): Promise<void> {
  return withTemporaryDirectory(async (directory) => {
    using database = new Database(join(directory, "metadata.db"), [CONTAINER_TABLES]);
    work(new EventRows(database), database, directory);
  });
}

const actions = (events: EventRows): readonly string[] => events.after(0).map(({ action }) => action);

test("what is noted becomes rows once, whoever takes it in, among others by its time", () =>
  withJournal((events, database, directory) => {
    const journal = new EventJournal(directory);
    journal.note(event("create", 1), event("start", 2, { name: "naïve" }));
    database.transaction(() => events.add(event("kill", 3)));
    journal.takeIn(database);
    new EventJournal(directory).note(event("die", 4));
    new EventJournal(directory).takeIn(database);
    journal.takeIn(database);
    assert.deepEqual(actions(events), ["create", "start", "kill", "die"]);
    assert.deepEqual(events.after(0)[1]?.attributes, { name: "naïve" });
  }));

test("a line that was cut off waits for its end, and one that is none is left out", () =>
  withJournal((events, database, directory) => {
    const journal = new EventJournal(directory);
    journal.note(event("create", 1));
    const [file = ""] = readdirSync(directory).filter(EventJournal.isNamed);
    const half = JSON.stringify(event("start", 2));
    appendFileSync(join(directory, file), `nonsense\n{"atMs":1}\n${half.slice(0, 20)}`);
    journal.takeIn(database);
    assert.deepEqual(actions(events), ["create"]);
    appendFileSync(join(directory, file), `${half.slice(20)}\n`);
    journal.takeIn(database);
    assert.deepEqual(actions(events), ["create", "start"]);
  }));

test("nobody who asks for events: of those that nobody has taken in the newest are kept, in two files", () =>
  withJournal((events, database, directory) => {
    const journal = new EventJournal(directory);
    const attributes = { long: "x".repeat(50_000) };
    for (let atMs = 1; atMs <= 40; atMs += 1) journal.note(event(String(atMs), atMs, attributes));
    journal.takeIn(database);
    const taken = actions(events);
    assert.equal(taken.at(-1), "40");
    assert.ok(taken.length > 10 && taken.length < 40, `${taken.length} are taken in`);
    assert.deepEqual(
      taken,
      Array.from(taken, (_, index) => String(41 - taken.length + index)),
    );
    // With the files that went, what was known of them goes.
    assert.equal(database.all("select head from engine_journals").length, 2);
  }));

test("what cannot be noted fails nobody", () => {
  new EventJournal("/dev/null/nowhere").note(event("create", 1));
});
