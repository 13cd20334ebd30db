import assert from "node:assert/strict";
import { lstatSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { withTemporaryDirectory } from "@orlop/testkit";
import { makeUpper } from "./make-upper.ts";

test("what is written over layers has the mode of their root, whatever mask this process has", () =>
  withTemporaryDirectory(async (directory) => {
    const uid = process.getuid?.() ?? 0;
    const gid = process.getgid?.() ?? 0;
    const before = process.umask(0o077);
    try {
      for (const mode of [0o755, 0o1777, 0o700, 0o2751]) makeUpper(join(directory, `${mode}`), { mode, uid, gid });
      makeUpper(join(directory, "none"), undefined);
    } finally {
      process.umask(before);
    }
    const modeOf = (name: string): number => lstatSync(join(directory, name)).mode & 0o7777;
    for (const mode of [0o755, 0o1777, 0o700, 0o2751]) assert.equal(modeOf(`${mode}`), mode);
    assert.equal(modeOf("none"), 0o755);
  }));
