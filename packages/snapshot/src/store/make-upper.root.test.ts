import assert from "node:assert/strict";
import { lstatSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { withTemporaryDirectory } from "@orlop/testkit";
import { makeUpper } from "./make-upper.ts";

test("what is written over layers has the owner of their root, and its mode with that", () =>
  withTemporaryDirectory(async (directory) => {
    const upper = join(directory, "upper");
    makeUpper(upper, { mode: 0o6755, uid: 1000, gid: 1001 });
    const { mode, uid, gid } = lstatSync(upper);
    assert.deepEqual([mode & 0o7777, uid, gid], [0o6755, 1000, 1001]);
  }));
