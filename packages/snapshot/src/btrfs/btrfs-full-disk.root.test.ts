import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { tryLoopDisk } from "@orlop/testkit";
import { checkFullDisk } from "../store/full-disk-fixture.ts";

const MEBIBYTE = 1024 * 1024;
/** Small ones have data and metadata in the same block groups. */
const DISK = { type: "btrfs", sizeBytes: 64 * MEBIBYTE, make: ["--mixed", "-m", "single", "-d", "single"] };
/** What is left is filled each time. */
const TAKEN_BYTES = 44 * MEBIBYTE;

test("a disk that is full at any moment leaves no half of a snapshot of btrfs", async (t) => {
  const disk = tryLoopDisk(DISK);
  if (typeof disk === "string") return t.skip(disk);
  using _mounted = disk;
  writeFileSync(join(disk.path, "taken"), Buffer.alloc(TAKEN_BYTES, 1), { flush: true });
  await checkFullDisk(disk.path, "btrfs");
});
