import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { ownProcessMark } from "@orlop/kernel";
import { markUnlessGone } from "./mark-unless-gone.ts";

test("who was killed right after he said hello has no mark, and no call to be carried out", () => {
  assert.equal(markUnlessGone(process.pid), ownProcessMark());
  assert.equal(markUnlessGone(spawnSync("true").pid), undefined);
});
