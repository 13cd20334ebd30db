import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import type { SnapshotMount } from "@orlop/core";
import { readTar } from "@orlop/image";
import { systemFailure } from "@orlop/kernel";
import { enableSimpleQuotas, makeTar, SnapshotBench, tryLoopDisk } from "@orlop/testkit";
import type { StoredSnapshotter } from "../store/stored-snapshotter.ts";
import { SystemCalls } from "../system/system-calls.ts";
import { makeBtrfs } from "./btrfs-fixture.ts";
import { quotaGroups } from "./quota-fixture.ts";
import { QuotaGroups } from "./quota-groups.ts";

const MEBIBYTE = 1024 * 1024;
const LIMIT = 4 * MEBIBYTE;
const disk = tryLoopDisk({ type: "btrfs", sizeBytes: 512 * MEBIBYTE });
const system = new SystemCalls();
const [parent, noDisk] = typeof disk === "string" ? ["/run", disk] : [disk.path, undefined];
const obstacle = noDisk ?? enableSimpleQuotas(parent);

after(() => {
  system[Symbol.dispose]();
  if (typeof disk !== "string") disk[Symbol.dispose]();
});

function onBench(title: string, check: (bench: SnapshotBench) => Promise<void>): void {
  test(title, async (t) => {
    if (obstacle !== undefined) return t.skip(obstacle);
    await using bench = await SnapshotBench.open(makeBtrfs, parent);
    await bench.layer("l", undefined, [{ path: "large", text: "x".repeat(8 * MEBIBYTE) }]);
    await check(bench);
  });
}

function directoryOf(mounts: readonly SnapshotMount[]): string {
  return mounts[0]?.source ?? "";
}

function isFull(path: string, sizeBytes: number): boolean {
  try {
    writeFileSync(path, Buffer.alloc(sizeBytes, "y"), { flush: true });
    return false;
  } catch (error) {
    assert.equal(systemFailure("fill up", error).errno, "EDQUOT");
    return true;
  }
}

onBench("what a limited snapshot shares with its parent does not count, and a change of it does", async (bench) => {
  const { snapshotter } = bench;
  const limited = directoryOf(await snapshotter.prepare("limited", "l", { sizeMaxBytes: LIMIT }));
  const other = directoryOf(await snapshotter.prepare("other", "l"));
  assert.equal(isFull(join(limited, "small"), MEBIBYTE), false);
  assert.equal(isFull(join(limited, "large"), 2 * LIMIT), true);
  assert.equal(isFull(join(other, "large"), 2 * LIMIT), false);
  rmSync(join(limited, "large"));
  execFileSync("sync", ["-f", limited]);
  assert.equal(isFull(join(limited, "again"), 2 * MEBIBYTE), false);
  await snapshotter.remove("limited");
});

onBench("a subvolume that is made in a limited snapshot is no way out, and goes with it", async (bench) => {
  const limited = directoryOf(await bench.snapshotter.prepare("limited", "l", { sizeMaxBytes: LIMIT }));
  for (const name of ["inner", "inner/innermost"])
    execFileSync("btrfs", ["-q", "subvolume", "create", join(limited, name)]);
  assert.equal(isFull(join(limited, "inner/innermost/f"), 2 * LIMIT), true);
  assert.equal(quotaGroups(parent).length, 1);
  await bench.snapshotter.remove("limited");
  assert.equal(existsSync(limited), false);
  assert.deepEqual(quotaGroups(parent), []);
});

onBench("a full snapshot can be compared, committed and written to again in the next one", async (bench) => {
  const snapshotter = bench.snapshotter as StoredSnapshotter;
  const limited = directoryOf(await snapshotter.prepare("limited", "l", { sizeMaxBytes: LIMIT }));
  mkdirSync(join(limited, "d"));
  writeFileSync(join(limited, "d/kept"), "kept", { flush: true });
  assert.equal(isFull(join(limited, "f"), 2 * LIMIT), true);
  using changes = await snapshotter.changes("limited");
  assert.ok((await changes.list()).some(({ path }) => path.endsWith("d/kept")));
  await snapshotter.commit("m", "limited");
  assert.deepEqual(quotaGroups(parent), []);
  const next = directoryOf(await snapshotter.prepare("next", "m"));
  assert.equal(isFull(join(next, "g"), 2 * LIMIT), false);
});

onBench("a limit is lifted as far as it is there", async (bench) => {
  const groups = new QuotaGroups(system);
  const limited = join(directoryOf(await bench.snapshotter.prepare("limited", "l", { sizeMaxBytes: LIMIT })), "..");
  await groups.lift(limited);
  await groups.lift(limited);
  assert.deepEqual(quotaGroups(parent), []);
  await bench.snapshotter.remove("limited");
});

onBench("a layer that is larger than the limit of its snapshot is refused, and can be removed", async (bench) => {
  const { snapshotter } = bench;
  await snapshotter.prepare("limited", undefined, { sizeMaxBytes: MEBIBYTE });
  async function* archive(): AsyncGenerator<Buffer> {
    yield makeTar([{ path: "f", content: Buffer.alloc(2 * MEBIBYTE, "x") }]);
  }
  await assert.rejects(snapshotter.apply("limited", readTar(archive())), { code: "exhausted" });
  await snapshotter.remove("limited");
  assert.deepEqual(quotaGroups(parent), []);
});

test("without simple quotas a limit is refused, with what is to be done", async (t) => {
  const plain = tryLoopDisk({ type: "btrfs", sizeBytes: 256 * MEBIBYTE });
  if (typeof plain === "string") return t.skip(plain);
  using _mounted = plain;
  await using bench = await SnapshotBench.open(makeBtrfs, plain.path);
  const refused = async (message: RegExp): Promise<void> => {
    const made = bench.snapshotter.prepare("limited", undefined, { sizeMaxBytes: MEBIBYTE });
    await assert.rejects(made, { code: "unsupported", message });
    await assert.rejects(bench.snapshotter.stat("limited"), { code: "not-found" });
  };
  await refused(/has no quotas switched on\nTry btrfs quota enable --simple/);
  execFileSync("btrfs", ["quota", "enable", plain.path]);
  await refused(/has full quotas/);
});
