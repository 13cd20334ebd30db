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
