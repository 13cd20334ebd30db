import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { enableSimpleQuotas, SnapshotBench, snapshotterSuite, tryLoopDisk } from "@orlop/testkit";
import { makeBtrfs } from "./btrfs-fixture.ts";

const disk = tryLoopDisk({ type: "btrfs", sizeBytes: 512 * 1024 * 1024 });
const [parent, obstacle] = typeof disk === "string" ? ["/run", disk] : [disk.path, undefined];
after(() => typeof disk !== "string" && disk[Symbol.dispose]());

// Where there are none it refuses limits.
if (obstacle === undefined) enableSimpleQuotas(parent);

snapshotterSuite("btrfs", makeBtrfs, { obstacle: () => obstacle, parent });

function onBench(title: string, check: (bench: SnapshotBench) => Promise<void>): void {
  test(title, async (t) => {
    if (obstacle !== undefined) return t.skip(obstacle);
    await using bench = await SnapshotBench.open(makeBtrfs, parent);
    await check(bench);
  });
}

function makeSubvolume(path: string): void {
  execFileSync("btrfs", ["-q", "subvolume", "create", path]);
}

onBench("a committed snapshot of btrfs is a subvolume that can only be read", async (bench) => {
  await bench.layer("l", undefined, [{ path: "f", text: "f" }]);
  const [{ source = "" } = {}] = await bench.snapshotter.view("v", "l");
  assert.throws(() => writeFileSync(join(source, "f"), "other"), { code: "EROFS" });
  assert.throws(() => writeFileSync(join(source, "..", "other"), ""), { code: "EROFS" });
});

onBench("subvolumes that somebody makes in a snapshot are removed with it, and are not committed", async (bench) => {
  const { snapshotter } = bench;
  await bench.layer("l", undefined, [{ path: "d/", mode: 0o700 }]);
  const [{ source = "" } = {}] = await snapshotter.prepare("a", "l");
  makeSubvolume(join(source, "d/inner"));
  makeSubvolume(join(source, "d/inner/innermost"));
  mkdirSync(join(source, "d/inner/innermost/x"));
  execFileSync("btrfs", ["-q", "subvolume", "snapshot", "-r", join(source, "d/inner"), join(source, "read-only")]);
  await assert.rejects(snapshotter.commit("m", "a"), { code: "unsupported", message: /subvolumes/ });
  await snapshotter.remove("a");
  await snapshotter.cleanup();
  assert.equal(readdirSync(join(source, "../..")).length, 1);
});

onBench("what a snapshot of btrfs shares with its parent is not counted", async (bench) => {
  const { snapshotter } = bench;
  await bench.layer("l", undefined, [
    { path: "large", text: "x".repeat(300_000) },
    { path: "d/small", text: "x" },
  ]);
  const [{ source = "" } = {}] = await snapshotter.prepare("a", "l");
  assert.deepEqual(await snapshotter.usage("a"), { sizeBytes: 0, inodes: 2 });
  writeFileSync(join(source, "d/other"), "x".repeat(200_000));
  execFileSync("sync", ["-f", source]);
  const { sizeBytes, inodes } = await snapshotter.usage("a");
  assert.ok(sizeBytes >= 200_000 && sizeBytes < 300_000, `${sizeBytes}`);
  assert.equal(inodes, 4);
});
