import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { Database } from "@orlop/image";
import { withTemporaryDirectory } from "@orlop/testkit";
import { checkSnapshotter } from "./check-snapshotter.ts";
import { openSnapshotter } from "./open-snapshotter.ts";

test("snapshotters that there are not are refused by name, with the reason", () =>
  withTemporaryDirectory(async (directory) => {
    using database = new Database(join(directory, "metadata.db"));
    const refused = {
      devmapper: process.geteuid?.() === 0 ? /device mapper|thin pool/ : /ordinary user/,
      zfs: /ZFS/,
      x: /none of/,
      "erofs:zip": /none of/,
      btrfs: process.geteuid?.() === 0 ? /not on a file system of type btrfs/ : /ordinary user/,
    };
    for (const [name, message] of Object.entries(refused)) {
      await assert.rejects(openSnapshotter(name, { directory, database }), { code: "unsupported", message });
      assert.throws(() => checkSnapshotter(name, directory), { code: "unsupported", message });
    }
  }));
