import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { temporaryDirectory } from "@orlop/testkit";
import { checkFullDisk, checkTooLargeLayer } from "./full-disk-fixture.ts";

const DISK_BYTES = 8 * 1024 * 1024;

for (const name of ["erofs", "erofs:tar-index", "overlay", "native"]) {
  test(`a disk that is full at any moment leaves no half of a snapshot of ${name}`, async () => {
    using parent = temporaryDirectory("orlop-full-disk-", "/run");
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${DISK_BYTES}`, "orlop-test", parent.path]);
    try {
      await checkFullDisk(parent.path, name);
    } finally {
      execFileSync("umount", [parent.path]);
    }
  });
}

for (const name of ["erofs", "erofs:tar-index", "overlay", "native"]) {
  test(`a layer that fills the disk can be removed from ${name}, with all that it took`, async () => {
    using parent = temporaryDirectory("orlop-full-disk-", "/run");
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${DISK_BYTES}`, "orlop-test", parent.path]);
    try {
      await checkTooLargeLayer(parent.path, name);
    } finally {
      execFileSync("umount", [parent.path]);
    }
  });
}
