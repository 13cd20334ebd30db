import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { collectGarbage, openStore } from "@orlop/image";
import { withTemporaryDirectory } from "@orlop/testkit";
import { openSnapshotter } from "../open-snapshotter.ts";

test("snapshots that nobody uses go with their directories, those above before those below", async () => {
  await withTemporaryDirectory(async (root) => {
    using store = openStore(root);
    const directory = join(root, "overlay");
    const snapshotter = await openSnapshotter("overlay", { directory, database: store.database });
    for (const [key, parent] of [
      ["one", undefined],
      ["two", "one"],
      ["three", "two"],
    ] as const) {
      await snapshotter.prepare(`${key}-active`, parent);
      await snapshotter.commit(key, `${key}-active`);
    }
    await snapshotter.prepare("run", "two");
    const { id } = await store.leases.create();
    await store.leases.add(id, { kind: "snapshot", snapshotter: "overlay", key: "run" });
    const parts = { store, snapshots: [snapshotter] };
    const { removed } = await collectGarbage(parts);
    assert.deepEqual(
      removed.map(({ name }) => name),
      ["three"],
    );
    assert.equal(readdirSync(directory).length, 3);
    await store.leases.delete(id);
    const all = await collectGarbage(parts);
    assert.deepEqual(
      all.removed.map(({ name }) => name),
      ["run", "two", "one"],
    );
    assert.ok(all.freedBytes > 0);
    assert.deepEqual(readdirSync(directory), []);
    await snapshotter.close();
  });
});
