import assert from "node:assert/strict";
import { test } from "node:test";
import { PathTree } from "./path-tree.ts";

test("a path is known with its parents, and forgotten with what is below it", () => {
  const tree = new PathTree<number>();
  tree.set("", 1);
  tree.set("a/b/c", 2);
  tree.set("ab", 3);
  assert.deepEqual(
    ["a", "a/b", "a/b/c", "ab", "b"].map((path) => tree.has(path)),
    [true, true, true, true, false],
  );
  tree.delete("a/b");
  tree.delete("x/y");
  assert.deepEqual(
    ["a", "a/b", "a/b/c", "ab"].map((path) => tree.has(path)),
    [true, false, false, true],
  );
  assert.equal(tree.root.value, 1);
  tree.set("a/b", 4);
  assert.equal(tree.has("a/b/c"), false);
  assert.equal(tree.root.below.get("a")?.below.get("b")?.value, 4);
});
