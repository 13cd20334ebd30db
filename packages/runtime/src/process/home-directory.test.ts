import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { withTemporaryDirectory } from "@orlop/testkit";
import { withHome } from "./home-directory.ts";

function environment(env: readonly string[], files: readonly string[] = []): readonly string[] | undefined {
  return withHome({ user: { uid: 7, gid: 7 }, cwd: "/", args: ["sh"], env }, files).env;
}

suite("the environment of a process", () => {
  test("has the last value of a variable that is given more than once, in the place of the first", () => {
    assert.deepEqual(environment(["HOME=/a", "X=1", "HOME=/b", "X=a=b"]), ["HOME=/b", "X=a=b"]);
  });

  test("has a home where none is given last", () =>
    withTemporaryDirectory((directory) => {
      const passwd = join(directory, "passwd");
      writeFileSync(passwd, "seven:x:7:7::/home/seven:/bin/sh\n");
      assert.deepEqual(environment(["X=1"], [passwd]), ["X=1", "HOME=/home/seven"]);
      assert.deepEqual(environment(["HOME=/a", "X=1", "HOME="], [passwd]), ["X=1", "HOME=/home/seven"]);
      assert.deepEqual(environment([]), ["HOME=/"]);
    }));
});
