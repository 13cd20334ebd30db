import assert from "node:assert/strict";
import { test } from "node:test";
import { chownOperations, readDelegateFiles } from "./plan-ownership.ts";

test("without the kernel's list of delegable files the spec's is used", () => {
  const files = readDelegateFiles("/nonexistent/delegate");
  assert.deepEqual(files, ["cgroup.procs", "cgroup.subtree_control", "cgroup.threads"]);
});

test("the kernel's own list never has a limit in it", () => {
  for (const file of readDelegateFiles()) assert.doesNotMatch(file, /\.(max|weight|high)$/);
});

test("nothing is given away without an owner", () => {
  assert.deepEqual(chownOperations("/c", undefined), []);
});
