import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { withTemporaryDirectory } from "@orlop/testkit";
import { copyTree } from "../native/copy-tree.ts";
import { SystemCalls } from "../system/system-calls.ts";
import { treeChanges } from "./tree-changes.ts";

const TIME = 1_000_000_000;

function makeBefore(root: string): void {
  for (const name of ["a/b", "c", "d/e"]) mkdirSync(join(root, name), { recursive: true });
  for (const name of ["a/b/f", "a/b/g", "c/f", "d/e/f", "top"])
    writeFileSync(join(root, name), `was ${name}`.slice(0, 7));
  linkSync(join(root, "d/e/f"), join(root, "d/e/same"));
  for (const name of ["a/b/f", "a/b/g", "c/f", "d/e/f", "top", "a/b", "a", "c", "d/e", "d", "."]) {
    utimesSync(join(root, name), TIME, TIME);
  }
}

/** What is told of a change, in a line each, without the root. */
function tells(title: string, change: (root: string) => void, expected: readonly string[]): void {
  test(title, () =>
    withTemporaryDirectory(async (directory) => {
      const [before, own, marker] = ["before", "own", "marker"].map((name) => join(directory, name)) as [
        string,
        string,
        string,
      ];
      mkdirSync(before);
      makeBefore(before);
      using system = new SystemCalls();
      const keepOwners = process.geteuid?.() === 0;
      const options = { system, scratch: join(directory, "scratch"), ownIsRoot: false };
      await copyTree(before, own, { ...options, keepOwners });
      writeFileSync(marker, "");
      change(own);
      const origin = { directory: before, copiedAtNs: lstatSync(marker, { bigint: true }).ctimeNs };
      const told = await Array.fromAsync(treeChanges(own, origin, options), ({ kind, path, target }) =>
        `${kind} ${path} ${target}`.trim(),
      );
      assert.deepEqual(told, ["directory ./", ...expected]);
    }),
  );
}

tells("of what was not changed nothing is told but the root", () => {}, []);

tells("a change is told with the directories that it is in", (root) => chmodSync(join(root, "a/b/f"), 0o600), [
  "directory a",
  "directory a/b",
  "file a/b/f",
]);

tells(
  "other content of the same size and time is a change",
  (root) => {
    writeFileSync(join(root, "c/f"), "is c/f!");
    writeFileSync(join(root, "top"), "was top");
    for (const name of ["c/f", "top"]) utimesSync(join(root, name), TIME, TIME);
  },
  ["directory c", "file c/f"],
);

tells(
  "what is in directories that change names has changed, though nobody has touched it",
  (root) => {
    renameSync(join(root, "a/b"), join(root, "a/x"));
    renameSync(join(root, "c"), join(root, "a/b"));
    renameSync(join(root, "a/x"), join(root, "c"));
    for (const name of ["a", "."]) utimesSync(join(root, name), TIME, TIME);
  },
  ["directory a", "directory a/b", "file a/b/f", "file a/b/.wh.g", "directory c", "file c/f", "file c/g"],
);

tells(
  "one more name of a file is told with all the others",
  (root) => linkSync(join(root, "d/e/f"), join(root, "link")),
  ["directory d", "directory d/e", "file d/e/f", "hard-link d/e/same d/e/f", "hard-link link d/e/f"],
);

tells(
  "a file that is no other name any more has changed",
  (root) => {
    rmSync(join(root, "d/e/same"));
    writeFileSync(join(root, "d/e/same"), "was d/e");
    for (const name of ["d/e/same", "d/e"]) utimesSync(join(root, name), TIME, TIME);
  },
  ["directory d", "directory d/e", "file d/e/same"],
);

tells(
  "what is gone, or is of another kind, is told once",
  (root) => {
    rmSync(join(root, "a"), { recursive: true });
    rmSync(join(root, "c"), { recursive: true });
    writeFileSync(join(root, "c"), "file");
    rmSync(join(root, "top"));
    mkdirSync(join(root, "top"));
    symlinkSync("top", join(root, "link"));
    execFileSync("mkfifo", [join(root, "d/pipe")]);
  },
  ["file .wh.a", "file c", "directory d", "fifo d/pipe", "symlink link top", "directory top"],
);
