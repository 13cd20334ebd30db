import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { withTemporaryDirectory } from "@orlop/testkit";
import { withHome } from "./home-directory.ts";

test("HOME is the config's last word, and where that is none or empty the passwd file's", () =>
  withTemporaryDirectory((directory) => {
    const passwd = join(directory, "passwd");
    writeFileSync(passwd, "root:x:0:0:root:/root:/bin/sh\n");
    const home = (...env: readonly string[]): readonly string[] => {
      const process = { user: { uid: 0, gid: 0 }, args: ["true"], cwd: "/", env };
      return withHome(process, [passwd]).env ?? [];
    };
    assert.deepEqual(home("HOME=/own", "A=b"), ["HOME=/own", "A=b"]);
    assert.deepEqual(home("HOME=", "HOME=/own"), ["HOME=", "HOME=/own"]);
    for (const env of [[], ["HOME="], ["HOME=/own", "HOME="]]) assert.deepEqual(home(...env), ["HOME=/root"]);
  }));
