import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chownSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { withTemporaryDirectory } from "@orlop/testkit";
import { walkDirectory } from "./walk-directory.ts";

const skip = process.getuid?.() === 0 ? false : "only root makes devices";

test("the entries of a directory have device numbers and foreign owners", { skip }, (context) =>
  withTemporaryDirectory(async (root) => {
    try {
      execFileSync("mknod", [join(root, "block"), "b", "259", "1000000"], { stdio: "ignore" });
    } catch {
      context.skip("this machine's root makes no devices");
      return;
    }
    execFileSync("mknod", [join(root, "null"), "c", "1", "3"]);
    writeFileSync(join(root, "owned"), "");
    chownSync(join(root, "owned"), 70_000, 80_000);
    const seen: unknown[] = [];
    for await (const { kind, path, device, uid, gid } of walkDirectory(root)) {
      if (path !== ".") seen.push([kind, path, device?.major, device?.minor, uid, gid]);
    }
    assert.deepEqual(seen, [
      ["block-device", "block", 259, 1_000_000, 0, 0],
      ["character-device", "null", 1, 3, 0, 0],
      ["file", "owned", 0, 0, 70_000, 80_000],
    ]);
  }),
);
