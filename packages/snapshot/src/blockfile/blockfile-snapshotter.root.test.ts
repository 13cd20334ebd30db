import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, statfsSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { SnapshotBench, snapshotterSuite, tryLoopDisk, withTemporaryDirectory } from "@orlop/testkit";
import { makerOf } from "../snapshotter-fixture.ts";
import type { StoredSnapshotter } from "../store/stored-snapshotter.ts";
import { blockfileObstacle } from "./blockfile-fixture.ts";

const MEBIBYTE = 1024 * 1024;

for (const name of ["blockfile", "blockfile:fs=xfs,size=400m"]) {
  snapshotterSuite(name, makerOf(name), { obstacle: () => blockfileObstacle(name), parent: "/run", copies: true });
}

function onBench(title: string, check: (bench: SnapshotBench) => Promise<void>, name = "blockfile"): void {
  test(title, async (t) => {
    const obstacle = blockfileObstacle(name);
    if (obstacle !== undefined) return t.skip(obstacle);
    await using bench = await SnapshotBench.open(makerOf(name), "/run");
    await check(bench);
  });
}

function takenBytes(path: string): number {
  return statSync(path).blocks * 512;
}

suite("disks of blockfile", () => {
  onBench("have what is written to them compared, while they are mounted, too", async (bench) => {
    const snapshotter = bench.snapshotter as StoredSnapshotter;
    await bench.layer("l", undefined, [{ path: "kept" }, { path: "gone" }, { path: "d/", mode: 0o700 }]);
    bench.within(await snapshotter.prepare("run", "l"), (root) => {
      rmSync(join(root, "gone"));
      writeFileSync(join(root, "d/new"), "new");
    });
    using changes = await snapshotter.changes("run");
    assert.deepEqual(await changes.list(), [
      { kind: "changed", path: "d" },
      { kind: "added", path: "d/new" },
      { kind: "deleted", path: "gone" },
    ]);
    await snapshotter.commit("m", "run");
    assert.deepEqual(await bench.look("m", (root) => readdirSync(root)), ["d", "kept"]);
  });

  onBench("are not committed as long as they are mounted", async (bench) => {
    const snapshotter = bench.snapshotter as StoredSnapshotter;
    await snapshotter.prepare("run", undefined);
    {
      // It holds the disk of what it compares.
      const entries = snapshotter.upperEntries("run");
      await entries.next();
      await assert.rejects(snapshotter.commit("m", "run"), { code: "conflict", message: /it is mounted/ });
      await entries.return(undefined);
    }
    await snapshotter.commit("m", "run");
  });

  onBench("take as much as is in them, and give back what is removed", async (bench) => {
    const { snapshotter } = bench;
    const large = "x".repeat(8 * MEBIBYTE);
    await bench.layer("l", undefined, [{ path: "large", text: large }]);
    const [{ source = "" } = {}] = await snapshotter.view("v", "l");
    assert.equal(statSync(source).size, 10 * 1024 ** 3);
    assert.ok(takenBytes(source) < 10 * MEBIBYTE, `${takenBytes(source)}`);
    await bench.layer("m", "l", [{ path: ".wh.large" }]);
    const [{ source: removed = "" } = {}] = await snapshotter.view("w", "m");
    assert.ok(takenBytes(removed) < 2 * MEBIBYTE, `${takenBytes(removed)}`);
  });

  onBench("have the limit that is asked for, whatever is below", async (bench) => {
    const { snapshotter } = bench;
    const sizes = [1, 5, 40, 700].map((mebibytes) => mebibytes * MEBIBYTE);
    await bench.layer("l", undefined, [
      { path: "large", text: "x".repeat(9 * MEBIBYTE) },
      { path: "d/", mode: 0o711 },
    ]);
    for (const [index, sizeMaxBytes] of sizes.entries()) {
      for (const parent of [undefined, "l"]) {
        const mounts = await snapshotter.prepare(`${parent}${index}`, parent, { sizeMaxBytes });
        const { bavail, bsize } = bench.within(mounts, (root) => statfsSync(root));
        const free = bavail * bsize;
        assert.ok(
          free > sizeMaxBytes * 0.9 - MEBIBYTE / 2 && free < sizeMaxBytes * 1.05 + 2 * MEBIBYTE,
          `${free} of ${sizeMaxBytes}`,
        );
        if (parent !== undefined)
          assert.deepEqual(
            bench.within(mounts, (root) => readdirSync(root)),
            ["d", "large"],
          );
      }
    }
  });

  onBench(
    "refuse a limit for which there is no XFS",
    async (bench) => {
      await assert.rejects(bench.snapshotter.prepare("a", undefined, { sizeMaxBytes: MEBIBYTE }), {
        code: "unsupported",
        message: /XFS has at least .*\nTry ext4/,
      });
      await assert.rejects(bench.snapshotter.stat("a"), { code: "not-found" });
    },
    "blockfile:fs=xfs",
  );

  test("share their blocks where the file system can", async (t) => {
    const disk = tryLoopDisk({ type: "xfs", sizeBytes: 512 * MEBIBYTE });
    const obstacle = typeof disk === "string" ? disk : blockfileObstacle();
    if (typeof disk === "string" || obstacle !== undefined) return t.skip(obstacle);
    using _mounted = disk;
    await using bench = await SnapshotBench.open(makerOf("blockfile"), disk.path);
    await bench.layer("l", undefined, [{ path: "large", text: "x".repeat(64 * MEBIBYTE) }]);
    const before = statfsSync(disk.path).bfree;
    for (const key of ["a", "b", "c"]) await bench.snapshotter.prepare(key, "l");
    const { bfree, bsize } = statfsSync(disk.path);
    assert.ok((before - bfree) * bsize < 32 * MEBIBYTE, `${(before - bfree) * bsize}`);
  });

  test("are copies of a scratch file where there is one, and have its size", (t) =>
    withTemporaryDirectory(async (directory) => {
      const obstacle = blockfileObstacle();
      if (obstacle !== undefined) return t.skip(obstacle);
      const scratch = join(directory, "scratch");
      writeFileSync(scratch, "");
      await assert.rejects(async () => makerOf(`blockfile:scratch=${scratch}`)(directory), {
        code: "unsupported",
        message: /no file system/,
      });
      truncateSync(scratch, 64 * MEBIBYTE);
      mkdirSync(join(directory, "empty"));
      execFileSync("mke2fs", ["-q", "-F", "-t", "ext4", "-I", "256", scratch]);
      await using bench = await SnapshotBench.open(makerOf(`blockfile:scratch=${scratch}`), directory);
      const root = await bench.snapshotter.prepare("a", undefined);
      assert.deepEqual(
        bench.within(root, (place) => readdirSync(place)),
        ["lost+found"],
      );
      assert.equal(statSync(root[0]?.source ?? "").size, 64 * MEBIBYTE);
      const limited = bench.snapshotter.prepare("b", undefined, { sizeMaxBytes: MEBIBYTE });
      await assert.rejects(limited, { code: "unsupported", message: /as large/ });
    }));

  test("are refused with what is wrong with the settings", () =>
    withTemporaryDirectory(async (directory) => {
      for (const [settings, message] of [
        ["size", /"size" is none of size=, fs=, scratch=/],
        ["size=1,size=2", /given twice/],
        ["size=many", /size is a number/],
        ["fs=btrfs", /ext4 or xfs, not "btrfs"/],
        ["scratch=/none,fs=xfs", /those of the scratch file/],
      ] as const) {
        await assert.rejects(async () => makerOf(`blockfile:${settings}`)(directory), { code: "invalid", message });
      }
    }));
});
