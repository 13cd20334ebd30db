import assert from "node:assert/strict";
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { withTemporaryDirectory } from "@orlop/testkit";
import { LAST_NUMBER } from "../copy/database-copy.ts";
import { Database } from "../database.ts";
import type { DatabaseComponent } from "../database-component.ts";
import { checkDatabase } from "./check-database.ts";
import { repairDatabase } from "./repair-database.ts";

const NOTES: DatabaseComponent = {
  name: "notes",
  steps: [
    `create table notes (id integer primary key autoincrement, text text not null) strict;
     create table marks (name text primary key, note integer references notes (id), bytes blob) strict, without rowid;
     create index notes_text on notes (text);
     create trigger noted after insert on notes begin insert into marks (name, note) values ('of ' || new.id, new.id); end`,
  ],
};
const ROWS = 2000;
const PAGE = 4096;

interface Content {
  readonly notes: readonly unknown[];
  readonly marks: readonly unknown[];
}

/** Some thousand changes, of which some undo others. */
function fill(path: string): Content {
  using database = new Database(path, [NOTES]);
  for (let at = 0; at < ROWS; at += 100) {
    database.transaction(
      () => {
        for (let i = at; i < at + 100; i++)
          database.run("insert into notes (text) values (?)", `note ${i} ${"x".repeat(i % 300)}`);
        database.run("update marks set bytes = ? where note % 7 = ?", Buffer.from([0, 255, at & 255]), at % 7);
      },
      { durable: at % 200 === 0 },
    );
    database.transaction(() => {
      database.run("delete from marks where note % 11 = 0");
      database.run("delete from notes where id % 11 = 0");
    });
  }
  return read(database);
}

function read(database: Database): Content {
  const rows = (table: string): readonly unknown[] => database.all(`select * from ${table}`).map((row) => ({ ...row }));
  return { notes: rows("notes"), marks: rows("marks") };
}

function contentOf(path: string): Content {
  using database = new Database(path, [NOTES]);
  return read(database);
}

function overwrite(path: string, page: number, bytes: Buffer = Buffer.alloc(PAGE)): void {
  const file = openSync(path, "r+");
  writeSync(file, bytes, 0, bytes.length, page * PAGE);
  closeSync(file);
}

/** All that was committed is in the file itself. */
function checkpoint(path: string): void {
  const { DatabaseSync } = process.getBuiltinModule("node:sqlite");
  const connection = new DatabaseSync(path);
  connection.exec("pragma wal_checkpoint(truncate)");
  connection.close();
}

function withDatabase(work: (path: string, content: Content) => void): Promise<void> {
  return withTemporaryDirectory(async (directory) => {
    const path = join(directory, "metadata.db");
    const content = fill(path);
    checkpoint(path);
    assert.deepEqual(checkDatabase(path), []);
    work(path, content);
  });
}

const DAMAGES: Readonly<Record<string, (path: string) => void>> = {
  "whose first page is other bytes": (path) => overwrite(path, 0, Buffer.alloc(PAGE, "no database")),
  "with pages of zeros": (path) => {
    for (const page of [8, 9, 13, 40]) overwrite(path, page);
  },
  "that is cut short": (path) => truncateSync(path, 3 * PAGE),
  "that is empty": (path) => truncateSync(path, 0),
  "that is gone": (path) => rmSync(path),
};

for (const [kind, damage] of Object.entries(DAMAGES)) {
  test(`a database ${kind} is refused with the way out, and made again with all its rows`, async () => {
    await withDatabase((path, content) => {
      damage(path);
      assert.notDeepEqual(checkDatabase(path), []);
      const message =
        /metadata\.db": (it is gone, or empty|the file is (damaged|no database))\nTry "orlop system check --repair"/;
      assert.throws(() => contentOf(path), { code: "failed", message });
      const isThere = existsSync(path);
      const damaged = isThere ? readFileSync(path) : undefined;
      const repaired = repairDatabase(path);
      assert.deepEqual([repaired.source, repaired.lost], ["copy", []]);
      assert.deepEqual(contentOf(path), content);
      assert.deepEqual(checkDatabase(path), []);
      assert.equal(repaired.damaged !== undefined, isThere);
      if (repaired.damaged !== undefined) assert.deepEqual(readFileSync(repaired.damaged), damaged);
    });
  });

  test(`a database ${kind}, without a copy, gives back what can be read of it, or is left as it is`, async () => {
    await withDatabase((path, content) => {
      damage(path);
      for (const part of ["base", "changes"]) rmSync(`${path}-${part}`, { force: true });
      const before = readdirSync(join(path, "..")).sort();
      if (kind !== "with pages of zeros") {
        assert.throws(() => repairDatabase(path), { code: "failed", message: /Cannot repair database/ });
        assert.deepEqual(readdirSync(join(path, "..")).sort(), before);
        return;
      }
      const { source, lost } = repairDatabase(path);
      assert.equal(source, "rows");
      assert.match(lost.join(), /rows of "(notes|marks)" could not be read/);
      const found = contentOf(path);
      const known = new Set([...content.notes, ...content.marks].map((row) => JSON.stringify(row)));
      const rows = [...found.notes, ...found.marks].map((row) => JSON.stringify(row));
      assert.ok(rows.length > 100, `${rows.length} rows`);
      assert.ok(rows.every((row) => known.has(row)));
      assert.deepEqual(new Set(checkDatabase(path).map(({ of }) => of)), new Set(["references"]));
    });
  });
}

test("a database whose log of changes is lost is refused by the next change, and made again with them", async () => {
  await withTemporaryDirectory(async (directory) => {
    const path = join(directory, "metadata.db");
    fill(path);
    checkpoint(path);
    const insert = (database: Database): number =>
      database.transaction(() => database.run("insert into notes (text) values ('last')"));
    {
      using database = new Database(path, [NOTES]);
      for (let i = 0; i < 3; i++) insert(database);
    }
    rmSync(`${path}-wal`);
    rmSync(`${path}-shm`, { force: true });
    assert.match(checkDatabase(path)[0]?.text ?? "", /changes \d+ to \d+ are lost/);
    {
      using database = new Database(path, [NOTES]);
      assert.throws(() => insert(database), {
        code: "failed",
        message: /the end of its log is lost.*\nTry "orlop system check/,
      });
    }
    assert.equal(repairDatabase(path).source, "copy");
    assert.equal(contentOf(path).notes.filter((row) => (row as { text: string }).text === "last").length, 3);
    using database = new Database(path, [NOTES]);
    insert(database);
  });
});

test("who has the database open goes on with the one that was made again", async () => {
  await withDatabase((path, content) => {
    using reader = new Database(path, [NOTES]);
    using writer = new Database(path, [NOTES]);
    assert.equal(read(reader).notes.length, content.notes.length);
    writer.transaction(() => writer.run("insert into notes (text) values ('before')"));
    overwrite(path, 5);
    repairDatabase(path);
    writer.transaction(() => writer.run("insert into notes (text) values ('after')"));
    const texts = read(reader)
      .notes.slice(-2)
      .map((row) => (row as { text: string }).text);
    assert.deepEqual(texts, ["before", "after"]);
    assert.deepEqual(checkDatabase(path), []);
  });
});

test("the copy is begun anew when it is long, lost, damaged or does not fit, and holds all then", async () => {
  await withDatabase((path) => {
    using database = new Database(path, [NOTES]);
    const long = "y".repeat(500_000);
    const change = (text: string): number =>
      database.transaction(() => database.run("insert into notes (text) values (?)", text));
    const spoil = [
      () => truncateSync(`${path}-changes`, statSync(`${path}-changes`).size - 3),
      () => rmSync(`${path}-changes`),
      () => writeFileSync(`${path}-changes`, ""),
      () => {
        for (let i = 0; i < 30; i++) change(long);
      },
      () => database.transaction(() => database.run("update notes set text = 'short' where text = ?", long)),
    ];
    for (const each of spoil) {
      each();
      change("then");
      const content = read(database);
      database.close();
      rmSync(path);
      assert.deepEqual(repairDatabase(path).lost, []);
      assert.deepEqual(read(database), content);
    }
    assert.ok(statSync(`${path}-changes`).size < 40 * long.length);
  });
});

test("a change that was written down and never made is none, and its number is given again", async () => {
  await withDatabase((path) => {
    using database = new Database(path, [NOTES]);
    const line = readFileSync(`${path}-changes`, "utf8").trimEnd().split("\n").at(-1) ?? "";
    database.transaction(() => database.run("insert into notes (text) values ('made')"));
    const content = read(database);
    database.close();
    const changes = readFileSync(`${path}-changes`, "utf8");
    // The line of the last change is there twice, of which the first one came to nothing.
    const own = `${changes.trimEnd().split("\n").at(-1)}\n`;
    writeFileSync(`${path}-changes`, changes + own);
    assert.notEqual(line, own);
    rmSync(path);
    assert.deepEqual(repairDatabase(path).lost, []);
    assert.deepEqual(read(database), content);
  });
});

test("a repair that was killed is done by the next one", async () => {
  for (const moved of [[""], ["", "-wal"], ["", "-wal", "-shm"]]) {
    for (const hasCopy of [true, false]) {
      await withDatabase((path, content) => {
        if (!hasCopy) for (const part of ["base", "changes"]) rmSync(`${path}-${part}`, { force: true });
        for (const part of moved) renameSync(`${path}${part}`, `${path}-damaged-1${part}`);
        writeFileSync(`${path}-repaired`, "half of it");
        const { source, damaged } = repairDatabase(path);
        assert.deepEqual([source, damaged], [hasCopy ? "copy" : "rows", `${path}-damaged-1`]);
        assert.deepEqual(contentOf(path), content);
      });
    }
  }
});

test("after the last number of a change the copy is begun anew, with the first one", async () => {
  await withDatabase((path) => {
    {
      const { DatabaseSync } = process.getBuiltinModule("node:sqlite");
      using connection = new DatabaseSync(path);
      connection.exec(`pragma user_version = ${LAST_NUMBER - 1}`);
    }
    rmSync(`${path}-changes`);
    using database = new Database(path, [NOTES]);
    for (const text of ["last", "first", "second"]) {
      database.transaction(() => database.run("insert into notes (text) values (?)", text));
    }
    assert.equal(database.get("pragma user_version")?.user_version, 2);
    const content = read(database);
    database.close();
    assert.deepEqual(checkDatabase(path), []);
    rmSync(path);
    assert.deepEqual(repairDatabase(path).lost, []);
    assert.deepEqual(read(database), content);
  });
});
