import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { OrlopError } from "@orlop/core";
import { Database } from "@orlop/image";
import { temporaryDirectory } from "@orlop/testkit";
import { openSnapshotter } from "../open-snapshotter.ts";

test("removes the files of a snapshot first where the disk has no room for the note that it is gone", async () => {
  using directory = temporaryDirectory("stored-snapshotter-");
  using database = new Database(join(directory.path, "metadata.db"));
  const place = join(directory.path, "native");
  const snapshotter = await openSnapshotter("native", { directory: place, database });
  try {
    await snapshotter.prepare("key", undefined);
    assert.ok(existsSync(join(place, "1")));
    const transaction = database.transaction.bind(database);
    database.transaction = (work, options) => {
      if (existsSync(join(place, "1"))) throw new OrlopError("exhausted", "no space left on device");
      return transaction(work, options);
    };
    await snapshotter.remove("key");
    assert.deepEqual(snapshotter.records(), []);
    assert.equal(existsSync(join(place, "1")), false);
  } finally {
    await snapshotter.close();
  }
});
