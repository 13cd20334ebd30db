import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import type { SnapshotMount } from "@orlop/core";
import { readTar } from "@orlop/image";
import { makeTar, SnapshotBench, temporaryDirectory, tryLoopDisk } from "@orlop/testkit";
import { fileSystemObstacle, makerOf } from "../snapshotter-fixture.ts";
import type { StoredSnapshotter } from "../store/stored-snapshotter.ts";
import { SystemCalls } from "../system/system-calls.ts";
import { ProjectQuotas } from "./project-quotas.ts";

const MEBIBYTE = 1024 * 1024;
const LIMIT = 4 * MEBIBYTE;

const EXT4 = { type: "ext4", sizeBytes: 128 * MEBIBYTE, make: ["-I", "256", "-O", "quota,project"] };
const DISKS = [
  { ...EXT4, make: [...EXT4.make, "-E", "quotatype=prjquota"], mount: ["prjquota"] },
  { type: "xfs", sizeBytes: 400 * MEBIBYTE, mount: ["prjquota"] },
] as const;

/** What is written to goes to a directory, whatever is below. */
function upperOf(mounts: readonly SnapshotMount[]): string {
  const { source = "", options = [] } = mounts.at(-1) ?? {};
  return options.find((option) => option.startsWith("upperdir="))?.slice("upperdir=".length) ?? source;
}

/** As a container writes: ext4 holds nobody with CAP_SYS_RESOURCE to a limit. */
function isFull(path: string, sizeBytes: number): boolean {
  const dd = ["dd", "if=/dev/zero", `of=${path}`, "bs=1M", `count=${sizeBytes / MEBIBYTE}`, "conv=fsync"];
  const env = { ...process.env, LC_ALL: "C" };
  const { status, stderr } = spawnSync("setpriv", ["--bounding-set", "-sys_resource", ...dd], {
    env,
    encoding: "utf8",
  });
  if (status === 0) return false;
  // ext4 and xfs.
  assert.match(stderr, /Disk quota exceeded|No space left on device/);
  return true;
}

for (const options of DISKS) {
  suite(`a limit on snapshots by project quotas of ${options.type}`, () => {
    const disk = tryLoopDisk(options);
    after(() => typeof disk !== "string" && disk[Symbol.dispose]());

    for (const name of ["overlay", "erofs", "native"]) {
      const onBench = (title: string, check: (bench: SnapshotBench) => Promise<void>): void => {
        test(`${name}: ${title}`, async (t) => {
          if (typeof disk === "string") return t.skip(disk);
          await using bench = await SnapshotBench.open(makerOf(name), disk.path);
          await bench.layer("l", undefined, [{ path: "large", text: "x".repeat(2 * LIMIT) }]);
          await check(bench);
        });
      };

      onBench("holds for what is written, and for no other snapshot", async ({ snapshotter }) => {
        const limited = upperOf(await snapshotter.prepare("limited", "l", { sizeMaxBytes: LIMIT }));
        const other = upperOf(await snapshotter.prepare("other", "l"));
        mkdirSync(join(limited, "d"));
        assert.equal(isFull(join(limited, "d/small"), MEBIBYTE), false);
        assert.equal(isFull(join(limited, "d/large"), LIMIT), true);
        assert.equal(isFull(join(other, "large"), 2 * LIMIT), false);
        rmSync(join(limited, "d/large"));
        assert.equal(isFull(join(limited, "again"), 2 * MEBIBYTE), false);
        // Within it files move as anywhere.
        renameSync(join(limited, "again"), join(limited, "d/again"));
      });

      onBench("is gone with its snapshot, and when that is committed", async (bench) => {
        const snapshotter = bench.snapshotter as StoredSnapshotter;
        using system = new SystemCalls();
        const quotas = new ProjectQuotas(system);
        for (const key of ["removed", "committed"]) {
          const limited = upperOf(await snapshotter.prepare(key, "l", { sizeMaxBytes: LIMIT }));
          const project = await quotas.inherited(limited);
          assert.equal(await quotas.isUsed(limited, project), true);
          writeFileSync(join(limited, "kept"), "kept", { flush: true });
          assert.equal(isFull(join(limited, "f"), 2 * LIMIT), true);
          if (key === "removed") await snapshotter.remove(key);
          else {
            using changes = await snapshotter.changes(key);
            assert.ok((await changes.list()).some(({ path }) => path.endsWith("kept")));
            await snapshotter.commit("m", key);
          }
          const next = upperOf(await snapshotter.prepare(`${key}-next`, key === "removed" ? "l" : "m"));
          assert.equal(isFull(join(next, "g"), 2 * LIMIT), false);
          await snapshotter.remove(`${key}-next`);
          if (key === "removed") assert.equal(await quotas.isUsed(join(next, "../.."), project), false);
        }
      });

      onBench("is not met by a layer that is applied", async ({ snapshotter }) => {
        await snapshotter.prepare("limited", undefined, { sizeMaxBytes: MEBIBYTE });
        async function* archive(): AsyncGenerator<Buffer> {
          yield makeTar([{ path: "f", content: Buffer.alloc(2 * MEBIBYTE, "x") }]);
        }
        const message = /only what is written to it is limited/;
        await assert.rejects(snapshotter.apply("limited", readTar(archive())), { code: "unsupported", message });
        await snapshotter.remove("limited");
      });
    }

    test("overlay: holds through the mount", async (t) => {
      const obstacle = fileSystemObstacle("overlay") ?? (typeof disk === "string" ? disk : undefined);
      if (obstacle !== undefined || typeof disk === "string") return t.skip(obstacle);
      await using bench = await SnapshotBench.open(makerOf("overlay"), disk.path);
      await bench.layer("l", undefined, [{ path: "large", text: "x".repeat(2 * LIMIT) }]);
      const limited = await bench.snapshotter.prepare("limited", "l", { sizeMaxBytes: LIMIT });
      bench.within(limited, (root) => {
        assert.equal(isFull(join(root, "f"), 2 * LIMIT), true);
        rmSync(join(root, "f"));
        // To be written to it is copied up.
        assert.equal(isFull(join(root, "large"), 2 * LIMIT), true);
      });
    });

    test("is refused within a project of somebody's", async (t) => {
      if (typeof disk === "string") return t.skip(disk);
      using parent = temporaryDirectory("orlop-project-", disk.path);
      using system = new SystemCalls();
      await new ProjectQuotas(system).assign([parent.path], 7);
      await using bench = await SnapshotBench.open(makerOf("overlay"), parent.path);
      await assert.rejects(bench.snapshotter.prepare("limited", undefined, { sizeMaxBytes: LIMIT }), {
        code: "unsupported",
        message: /is of project 7 itself/,
      });
    });
  });
}

test("a limit where projects are counted and not limited is refused, with what is to be done", async (t) => {
  const disk = tryLoopDisk({ ...EXT4, make: [...EXT4.make, "-E", "quotatype=prjquota"] });
  if (typeof disk === "string") return t.skip(disk);
  using _mounted = disk;
  await using bench = await SnapshotBench.open(makerOf("overlay"), disk.path);
  const made = bench.snapshotter.prepare("limited", undefined, { sizeMaxBytes: LIMIT });
  await assert.rejects(made, { code: "unsupported", message: /limits none\nTry ext4 or xfs mounted with prjquota/ });
  await assert.rejects(bench.snapshotter.stat("limited"), { code: "not-found" });
});

test("a limit where there are no project quotas is refused, with what is to be done", async (t) => {
  const plain = tryLoopDisk({ type: "ext4", sizeBytes: 32 * MEBIBYTE });
  if (typeof plain === "string") return t.skip(plain);
  using _mounted = plain;
  for (const name of ["overlay", "erofs", "native"]) {
    await using bench = await SnapshotBench.open(makerOf(name), plain.path);
    const made = bench.snapshotter.prepare("limited", undefined, { sizeMaxBytes: LIMIT });
    const message = /has no project quotas switched on\nTry ext4 or xfs mounted with prjquota/;
    await assert.rejects(made, { code: "unsupported", message });
    await assert.rejects(bench.snapshotter.stat("limited"), { code: "not-found" });
  }
});
