import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { withTemporaryDirectory } from "@orlop/testkit";
import { outOfMemory } from "./out-of-memory.ts";

suite("whether memory ran out", () => {
  for (const [title, text, expected] of [
    ["is told by version 2's events", "low 0\nhigh 0\nmax 12\noom 3\noom_kill 1\noom_group_kill 0\n", true],
    ["is told by version 1's control file", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n", true],
    ["is not when the limit was only met", "low 0\nhigh 0\nmax 12\noom 3\noom_kill 0\noom_group_kill 0\n", false],
    ["is not on a kernel that does not count", "oom_kill_disable 0\nunder_oom 0\n", false],
    ["is not for a file that was cut off", "oom_ki", false],
    ["is not for an empty file", "", false],
  ] as const) {
    test(title, () =>
      withTemporaryDirectory((directory) => {
        writeFileSync(join(directory, "memory"), text);
        assert.equal(outOfMemory(directory), expected);
      }),
    );
  }

  test("is not without a file, or with a directory in its place", () =>
    withTemporaryDirectory((directory) => {
      assert.equal(outOfMemory(directory), false);
      mkdirSync(join(directory, "memory"));
      assert.equal(outOfMemory(directory), false);
    }));
});
