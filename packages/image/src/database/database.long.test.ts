import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { withTemporaryDirectory } from "@orlop/testkit";
import { Database } from "./database.ts";
import type { DatabaseComponent } from "./database-component.ts";

const FIRST: DatabaseComponent = { name: "notes", steps: ["create table notes (text text not null) strict"] };
const SECOND: DatabaseComponent = {
  name: "notes",
  steps: [...FIRST.steps, "alter table notes add column rank integer not null default 7"],
};

function withDatabase(work: (path: string) => Promise<void> | void): Promise<void> {
  return withTemporaryDirectory((directory) => work(join(directory, "made", "metadata.db")));
}

test("tables are made by the first use, in a directory that is nobody else's", async () => {
  await withDatabase((path) => {
    using database = new Database(path, [FIRST]);
    assert.equal(existsSync(path), false);
    assert.deepEqual(database.all("select * from notes"), []);
    assert.equal(statSync(join(path, "..")).mode & 0o777, 0o700);
  });
});

test("an older database is brought up to date with what it holds", async () => {
  await withDatabase((path) => {
    {
      using old = new Database(path, [FIRST]);
      old.transaction(() => old.run("insert into notes (text) values (?)", "kept"));
    }
    using database = new Database(path, [SECOND]);
    assert.deepEqual({ ...database.get("select * from notes") }, { text: "kept", rank: 7 });
  });
});

test("a newer database is refused by name and version, and left as it is", async () => {
  await withDatabase((path) => {
    {
      using newer = new Database(path, [SECOND]);
      newer.all("select * from notes");
    }
    using database = new Database(path, [FIRST]);
    const message = /notes" are of version 2, and this orlop knows versions up to 1\nTry a newer orlop/;
    assert.throws(() => database.all("select * from notes"), { code: "unsupported", message });
    assert.throws(() => database.transaction(() => {}), { code: "unsupported" });
    using again = new Database(path, [SECOND]);
    assert.deepEqual(again.all("select rank from notes"), []);
  });
});

test("a step that fails leaves the tables as they were", async () => {
  await withDatabase((path) => {
    {
      using database = new Database(path, [FIRST]);
      database.transaction(() => database.run("insert into notes (text) values ('kept')"));
    }
    const broken = { name: "notes", steps: [...FIRST.steps, "drop table notes", "no step at all"] };
    using database = new Database(path, [broken]);
    assert.throws(() => database.all("select * from notes"));
    using old = new Database(path, [FIRST]);
    assert.equal(old.get("select text from notes")?.text, "kept");
  });
});

test("a component can come later, while others are in use", async () => {
  await withDatabase((path) => {
    using database = new Database(path, [FIRST]);
    database.transaction(() => database.run("insert into notes (text) values ('a')"));
    database.add({ name: "other", steps: ["create table other (id integer primary key)"] });
    database.transaction(() => database.run("insert into other values (1)"));
    assert.equal(database.get("select count(*) as n from notes, other")?.n, 1);
  });
});

test("a transaction that throws changes nothing", async () => {
  await withDatabase((path) => {
    using database = new Database(path, [FIRST]);
    const failing = (): void =>
      database.transaction(() => {
        database.run("insert into notes (text) values ('a')");
        database.transaction(() => database.run("insert into notes (text) values ('b')"));
        throw new Error("stop");
      });
    assert.throws(failing, /stop/);
    assert.deepEqual(database.all("select * from notes"), []);
    assert.throws(() => database.run("delete from notes"), /needs a transaction/);
  });
});

test("readers neither wait for a writer nor see what it has not finished", async () => {
  await withDatabase((path) => {
    using writer = new Database(path, [FIRST]);
    using reader = new Database(path, [FIRST]);
    assert.deepEqual(reader.all("select * from notes"), []);
    writer.transaction(() => {
      writer.run("insert into notes (text) values ('a')");
      assert.deepEqual(reader.all("select * from notes"), []);
    });
    assert.equal(reader.all("select * from notes").length, 1);
  });
});

test("a snapshot shows one moment", async () => {
  await withDatabase((path) => {
    using writer = new Database(path, [FIRST]);
    using reader = new Database(path, [FIRST]);
    const counts = reader.snapshot(() => {
      const before = reader.all("select * from notes").length;
      writer.transaction(() => writer.run("insert into notes (text) values ('a')"));
      return [before, reader.snapshot(() => reader.all("select * from notes").length)];
    });
    assert.deepEqual(counts, [0, 0]);
    assert.equal(reader.all("select * from notes").length, 1);
  });
});

test("what is no database is refused by its path", async () => {
  await withTemporaryDirectory((directory) => {
    const path = join(directory, "metadata.db");
    writeFileSync(path, "what is this? ".repeat(1000));
    using database = new Database(path, [FIRST]);
    const expected = {
      code: "failed",
      message: `Cannot use database "${path}": the file is no database\nTry "orlop system check --repair".`,
    };
    assert.throws(() => database.all("select * from notes"), expected);
  });
});

test("the version is another one when anybody has changed anything", async () => {
  await withDatabase((path) => {
    using database = new Database(path, [FIRST]);
    using other = new Database(path, [FIRST]);
    const insert = (into: Database): number =>
      into.transaction(() => into.run("insert into notes (text) values ('a')"));
    insert(database);
    const versions = [database.version()];
    const note = (): number => versions.push(database.version());
    assert.equal(database.version(), versions[0]);
    insert(database);
    note();
    insert(other);
    note();
    database.close();
    note();
    assert.equal(database.version(), versions.at(-1));
    assert.equal(new Set(versions).size, 4);
  });
});

test("closing waits for no disk: what was written stays in the log, where others read it", async () => {
  await withDatabase((path) => {
    using first = new Database(path, [FIRST]);
    first.transaction(() => first.run("insert into notes (text) values ('a')"));
    first.close();
    const before = statSync(path);
    {
      using database = new Database(path, [FIRST]);
      database.transaction(() => database.run("insert into notes (text) values ('b')"));
    }
    const after = statSync(path);
    assert.deepEqual([after.size, after.mtimeMs], [before.size, before.mtimeMs]);
    assert.equal(existsSync(`${path}-wal`), true);
    using reader = new Database(path, [FIRST]);
    assert.equal(reader.all("select * from notes").length, 2);
  });
});

test("the log stays short however many processes write a little, and is begun anew", async () => {
  await withDatabase((path) => {
    for (let i = 0; i < 400; i++) {
      using database = new Database(path, [FIRST]);
      database.transaction(() => database.run("insert into notes (text) values ('a')"), { durable: false });
      database.transaction(() => database.run("update notes set text = 'b' where rowid = ?", i), { durable: false });
    }
    const { size } = statSync(`${path}-wal`);
    assert.ok(size < 300 * 4200, `${size} bytes`);
    using reader = new Database(path, [FIRST]);
    assert.equal(reader.all("select * from notes").length, 400);
  });
});

test("several processes may make a new one at once", async () => {
  await withTemporaryDirectory(async (directory) => {
    const fixture = new URL("./new-database-fixture.ts", import.meta.url).pathname;
    const children = [1, 2, 3, 4].map(() => fork(fixture, { execArgv: ["-C", "source"] }));
    try {
      for (let round = 0; round < 100; round++) {
        const path = join(directory, `${round}`, "metadata.db");
        const answers = children.map((child) => once(child, "message"));
        const atMs = Date.now() + 10;
        for (const child of children) child.send({ path, atMs });
        assert.deepEqual((await Promise.all(answers)).flat(), Array(4).fill(["written", undefined]).flat());
        using database = new Database(path, [FIRST]);
        assert.equal(database.get("select count(*) as n from notes")?.n, 4);
      }
    } finally {
      for (const child of children) child.kill();
    }
  });
});
