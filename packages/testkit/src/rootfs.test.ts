import assert from "node:assert/strict";
import { existsSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { busyboxObstacle, makeBusyboxRootfs } from "./rootfs.ts";
import { withTemporaryDirectory } from "./temporary-directory.ts";

suite("makeBusyboxRootfs", () => {
  test("makes what a container needs to start a shell", async (t) => {
    const obstacle = busyboxObstacle();
    if (obstacle !== undefined) return t.skip(obstacle);
    await withTemporaryDirectory((path) => {
      const rootfs = join(path, "rootfs");
      makeBusyboxRootfs(rootfs);
      assert.equal(statSync(join(rootfs, "bin/busybox")).mode & 0o777, 0o755);
      assert.equal(
        statSync(join(rootfs, "bin/busybox")).nlink,
        1,
        "a hard link would let a container change the host's",
      );
      assert.equal(readlinkSync(join(rootfs, "bin/sh")), "busybox");
      assert.equal(statSync(join(rootfs, "tmp")).mode & 0o7777, 0o1777);
      for (const name of ["proc", "sys", "dev", "etc/passwd", "etc/group"])
        assert.ok(existsSync(join(rootfs, name)), name);
    });
  });
});
