import assert from "node:assert/strict";
import { existsSync, mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { temporaryDirectory, withTemporaryDirectory } from "./temporary-directory.ts";
import { walkTree } from "./walk-tree.ts";

suite("temporaryDirectory", () => {
  test("lets every user in and is gone afterwards, with what is in it", () => {
    const directory = temporaryDirectory();
    assert.equal(statSync(directory.path).mode & 0o777, 0o755);
    mkdirSync(join(directory.path, "sub"));
    writeFileSync(join(directory.path, "sub/file"), "");
    directory[Symbol.dispose]();
    assert.equal(existsSync(directory.path), false);
  });

  test("is gone after work that fails", async () => {
    let path = "";
    const work = withTemporaryDirectory((directory) => {
      path = directory;
      throw new RangeError("on purpose");
    });
    await assert.rejects(work, RangeError);
    assert.notEqual(path, "");
    assert.equal(existsSync(path), false);
  });
});

suite("walkTree", () => {
  test("lists parents first and does not follow links", async () => {
    await withTemporaryDirectory((path) => {
      mkdirSync(join(path, "a/b"), { recursive: true });
      writeFileSync(join(path, "a/b/file"), "");
      symlinkSync("a", join(path, "link"));
      assert.deepEqual([...walkTree(path)].toSorted(), ["a", "a/b", "a/b/file", "link"]);
    });
  });
});
