import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { Process } from "@orlop/core";
import { executableCandidates } from "./execute.ts";

function candidates(name: string, ...env: readonly string[]): readonly string[] {
  const process: Process = { user: { uid: 0, gid: 0 }, args: [name], env, cwd: "/" };
  return executableCandidates(process);
}

suite("where an executable may be", () => {
  test("is said by a name with a slash", () => {
    for (const name of ["/bin/sh", "./sh", "bin/sh", "/"]) assert.deepEqual(candidates(name, "PATH=/opt"), [name]);
  });

  test("is looked for in each directory of PATH, in order", () => {
    assert.deepEqual(candidates("sh", "PATH=/a:/b/c"), ["/a/sh", "/b/c/sh"]);
  });

  test("is the working directory for an empty part of PATH, as execvp(3) has it", () => {
    assert.deepEqual(candidates("sh", "PATH=:/a:"), ["./sh", "/a/sh", "./sh"]);
    assert.deepEqual(candidates("sh", "PATH="), ["./sh"]);
  });

  test("is a usual place without PATH", () => {
    assert.deepEqual(candidates("sh"), ["/bin/sh", "/usr/bin/sh"]);
    assert.deepEqual(candidates("sh", "XPATH=/a", "PATHS=/b"), ["/bin/sh", "/usr/bin/sh"]);
  });

  test("is said by the last PATH of several", () => {
    assert.deepEqual(candidates("sh", "PATH=/a", "PATH=/b"), ["/b/sh"]);
  });

  test("is nowhere for an empty name, and not a directory of PATH", () => {
    assert.deepEqual(candidates("", "PATH=/a"), [""]);
  });
});
