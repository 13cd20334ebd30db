import assert from "node:assert/strict";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { withTemporaryDirectory } from "@orlop/testkit";
import { Depot } from "./open-depot.ts";

test("a collection removes the files of locks that nobody holds, and no others", async () => {
  await withTemporaryDirectory(async (root) => {
    await using depot = new Depot(root);
    mkdirSync(join(root, "locks"));
    // As a process leaves it that was killed.
    writeFileSync(join(root, "locks", "left"), "");
    const held = await depot.lock("held");
    await depot.collectGarbage({ dryRun: true });
    assert.deepEqual(readdirSync(join(root, "locks")), ["held", "left"]);
    await depot.collectGarbage();
    assert.deepEqual(readdirSync(join(root, "locks")), ["held"]);
    await held[Symbol.asyncDispose]();
    assert.deepEqual(readdirSync(join(root, "locks")), []);
    await (await depot.lock("left"))[Symbol.asyncDispose]();
  });
});

test("a snapshotter that nothing could be mounted of is refused before anything is kept by it, and an empty name is none", async () => {
  await withTemporaryDirectory(async (root) => {
    const named = process.env.ORLOP_SNAPSHOTTER;
    await using depot = new Depot(root);
    try {
      process.env.ORLOP_SNAPSHOTTER = "x";
      await assert.rejects(depot.snapshotter(), {
        code: "unsupported",
        message: /^Cannot use snapshotter "x": there is none/,
      });
      process.env.ORLOP_SNAPSHOTTER = "erofs:tar-index";
      const isForRoot = { code: "unsupported", message: /"erofs:tar-index": the kernel mounts EROFS only for root/ };
      if (process.geteuid?.() !== 0) await assert.rejects(depot.snapshotter(), isForRoot);
      process.env.ORLOP_SNAPSHOTTER = "";
      assert.match((await depot.snapshotter()).name, /^(erofs|overlay|native)$/);
    } finally {
      if (named === undefined) delete process.env.ORLOP_SNAPSHOTTER;
      else process.env.ORLOP_SNAPSHOTTER = named;
    }
  });
});
