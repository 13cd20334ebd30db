import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { Database } from "@orlop/image";
import { withTemporaryDirectory } from "@orlop/testkit";
import { SnapshotRecords } from "./snapshot-records.ts";

/** Makes committed snapshots, each on the one before; gives their ids. */
function stack(records: SnapshotRecords, names: readonly string[], parentId?: number): readonly number[] {
  const ids: number[] = [];
  for (const name of names) {
    const parent = ids.at(-1) ?? parentId;
    const id = records.exclusively(() => {
      const made = records.insert(`of ${name}`, "active", parent, {});
      records.commit(made, name, parent, {});
      return made;
    });
    ids.push(id);
  }
  return ids;
}

interface Two {
  readonly records: SnapshotRecords;
  readonly others: SnapshotRecords;
  /** That of the others. */
  readonly other: Database;
}

/** The records of one snapshotter as two processes have them. */
function withTwo(work: (two: Two) => void): Promise<void> {
  return withTemporaryDirectory(async (directory) => {
    const path = join(directory, "metadata.db");
    using database = new Database(path);
    using other = new Database(path);
    work({ records: new SnapshotRecords(database, "erofs"), others: new SnapshotRecords(other, "erofs"), other });
  });
}

test("what is below a snapshot is told the same each time, also when another process has changed what is above", () =>
  withTwo(({ records, others }) => {
    const [one, two, three] = stack(records, ["one", "two", "three"]);
    for (let times = 0; times < 2; times++) {
      assert.deepEqual(records.chain("one"), [one]);
      assert.deepEqual(records.chain("three"), [three, two, one]);
    }
    others.exclusively(() => others.delete("three"));
    assert.throws(() => records.chain("three"), { code: "not-found" });
    const [anew] = stack(others, ["three"], one);
    assert.deepEqual(records.chain("three"), [anew, one]);
    assert.throws(() => records.exclusively(() => records.delete("one")), { code: "conflict" });
  }));

test("a snapshot that has got the id of another one, as in a database that was made again, has what is below it", () =>
  withTwo(({ records, others, other }) => {
    const [one, two, three] = stack(records, ["one", "two", "three"]);
    assert.deepEqual(records.chain("three"), [three, two, one]);
    others.exclusively(() => {
      others.delete("three");
      other.run("update sqlite_sequence set seq = ? where name = 'snapshots'", Number(two));
    });
    assert.deepEqual(stack(others, ["three"], one), [three]);
    assert.deepEqual(records.chain("three"), [three, one]);
  }));

test("what is not committed is no parent", () =>
  withTemporaryDirectory(async (directory) => {
    using database = new Database(join(directory, "metadata.db"));
    const records = new SnapshotRecords(database, "erofs");
    records.exclusively(() => records.insert("active", "active", undefined, {}));
    assert.throws(() => records.chain("active"), { code: "invalid" });
    assert.deepEqual(records.chain(undefined), []);
  }));
