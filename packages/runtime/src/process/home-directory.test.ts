import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { withTemporaryDirectory } from "@orlop/testkit";
import { type PasswdFile, withHome } from "./home-directory.ts";

function environment(env: readonly string[], files: readonly PasswdFile[] = []): readonly string[] | undefined {
  return withHome({ user: { uid: 7, gid: 7 }, cwd: "/", args: ["sh"], env }, files).env;
}

suite("the environment of a process", () => {
  test("has the last value of a variable that is given more than once, in the place of the first", () => {
    assert.deepEqual(environment(["HOME=/a", "X=1", "HOME=/b", "X=a=b"]), ["HOME=/b", "X=a=b"]);
  });

  test("has a home where none is given last", () =>
    withTemporaryDirectory((directory) => {
      const passwd = { root: directory, path: "/passwd" };
      writeFileSync(join(directory, "passwd"), "seven:x:7:7::/home/seven:/bin/sh\n");
      assert.deepEqual(environment(["X=1"], [passwd]), ["X=1", "HOME=/home/seven"]);
      assert.deepEqual(environment(["HOME=/a", "X=1", "HOME="], [passwd]), ["X=1", "HOME=/home/seven"]);
      assert.deepEqual(environment([]), ["HOME=/"]);
    }));

  test("has a home from a file at a link, which is followed inside the root", () =>
    withTemporaryDirectory((directory) => {
      const root = join(directory, "root");
      mkdirSync(join(root, "etc"), { recursive: true });
      for (const [path, home] of [
        [join(root, "passwd"), "/inside"],
        [join(directory, "passwd"), "/outside"],
      ] as const) {
        writeFileSync(path, `seven:x:7:7::${home}:/bin/sh\n`);
      }
      symlinkSync("../../../passwd", join(root, "etc/passwd"));
      assert.deepEqual(environment([], [{ root, path: "/etc/passwd" }]), ["HOME=/inside"]);
    }));
});
