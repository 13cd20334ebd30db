import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { withTemporaryDirectory } from "@orlop/testkit";
import { openSnapshotter } from "./open-snapshotter.ts";
import { databaseFixture } from "./store/database-fixture.ts";

test("snapshotters that there are not are refused by name, with the reason", () =>
  withTemporaryDirectory((directory) => {
    using database = databaseFixture(join(directory, "metadata.db"));
    const refused = {
      devmapper: /thin volumes/,
      zfs: /zfs programs/,
      blockfile: /images of file systems/,
      x: /none of/,
    };
    for (const [name, message] of Object.entries(refused)) {
      assert.throws(() => openSnapshotter(name, { directory, database }), { code: "unsupported", message });
    }
  }));
