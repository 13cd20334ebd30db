import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { OrlopError } from "@orlop/core";
import { temporaryDirectory } from "@orlop/testkit";
import { SnapshotWork } from "./snapshot-work-fixture.ts";

const DISK_BYTES = 8 * 1024 * 1024;
const PAGE_BYTES = 4096;
/** More than all of the work needs. */
const NEEDED_BYTES = 4 * 1024 * 1024;

for (const name of ["erofs", "overlay"]) {
  test(`a disk that is full at any moment leaves no half of a snapshot of ${name}`, async () => {
    using parent = temporaryDirectory("orlop-full-disk-", "/run");
    const root = parent.path;
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${DISK_BYTES}`, "orlop-test", root]);
    try {
      const ballast = join(root, "ballast");
      let failures = 0;
      await using work = new SnapshotWork(root, name);
      for (let left = 0; left < NEEDED_BYTES; left += 17 * PAGE_BYTES) {
        writeFileSync(ballast, Buffer.alloc(statfsSync(root).bavail * PAGE_BYTES - left));
        let failure: unknown;
        await work.run().catch((error) => {
          failure = error;
        });
        rmSync(ballast);
        await work.check();
        if (failure === undefined) break;
        assert.ok(failure instanceof OrlopError, String(failure));
        assert.equal(failure.code, "exhausted", failure.message);
        failures++;
        await work.removeUnfinished();
        for (const key of ["written", "upper", "lower"]) await work.snapshotter.remove(key).catch(() => {});
        assert.deepEqual(work.snapshotter.records(), []);
      }
      assert.ok(failures > 5, `the disk was full only ${failures} times`);
      await work.run();
      await work.check();
    } finally {
      execFileSync("umount", [root]);
    }
  });
}
