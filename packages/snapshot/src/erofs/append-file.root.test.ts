import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { temporaryDirectory } from "@orlop/testkit";
import { AppendFile } from "./append-file.ts";

const MEGABYTE = 1024 * 1024;
const DISK_BYTES = 2 * MEGABYTE;

async function onFullDisk(work: (file: AppendFile) => Promise<void>): Promise<void> {
  using directory = temporaryDirectory("append-file-", "/run");
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${DISK_BYTES}`, "orlop-test", directory.path]);
  try {
    {
      using file = new AppendFile(join(directory.path, "file"));
      file.writeBehind();
      await work(file);
    }
    // What was under way closes the file when it is done.
    for (let tries = 0; tries < 100; tries++) await turn();
  } finally {
    execFileSync("umount", ["--lazy", directory.path]);
  }
}

test("tells whoever settles it that another thread found no room", async () => {
  await onFullDisk(async (file) => {
    // As much as others write at once.
    for (let count = 0; count < 7; count++) file.append(Buffer.alloc(MEGABYTE / 2, 1));
    await assert.rejects(file.settle(), { code: "ENOSPC" });
    await assert.rejects(file.sync(), { code: "ENOSPC" });
  });
});

test("tells whoever appends more that another thread found no room", async () => {
  await onFullDisk(async (file) => {
    await assert.rejects(
      async () => {
        for (let count = 0; count < 1000; count++) {
          file.append(Buffer.alloc(MEGABYTE / 2, 1));
          await turn();
        }
      },
      { code: "ENOSPC" },
    );
  });
});
