import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { patience, temporaryDirectory } from "@orlop/testkit";
import { PumpBench } from "./log-pump-fixture.ts";
import { readLog } from "./read-log.ts";

const timeout = patience(30_000);

/** A log on a file system in memory that is full when `ballast` is there, and has room when it is not. */
async function onSmallDisk(
  t: TestContext,
  work: (place: { bench: PumpBench; file: string; ballast: string }) => Promise<void>,
): Promise<void> {
  if (process.getuid?.() !== 0) return t.skip("needs root");
  using directory = temporaryDirectory("orlop-no-room-", "/run");
  const disk = join(directory.path, "disk");
  mkdirSync(disk);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k,mode=0700", "tmpfs", disk]);
  try {
    await using bench = new PumpBench();
    await work({ bench, file: join(disk, "log"), ballast: join(disk, "ballast") });
  } finally {
    execFileSync("umount", [disk]);
  }
}

/** Takes all the room that there is. */
function fill(ballast: string): void {
  const { bavail, bsize } = statfsSync(join(ballast, ".."));
  writeFileSync(ballast, Buffer.alloc(Number(bavail) * Number(bsize)));
}

async function totals(file: string): Promise<{ readonly text: string; readonly dropped: bigint }> {
  const entries = await Array.fromAsync(readLog(file, { raw: true }));
  return {
    text: Buffer.concat(entries.map(({ data }) => data)).toString(),
    dropped: entries.reduce((sum, { droppedBytes = 0n }) => sum + droppedBytes, 0n),
  };
}

suite("a log on a disk that is full", { timeout }, () => {
  test("loses what there is no room for, keeps nobody waiting, and says how much it was when there is room", (t) =>
    onSmallDisk(t, async ({ bench, file, ballast }) => {
      const pump = await bench.start({ terminal: true, file });
      const out = bench.writer();
      await out.write("before\n");
      for await (const _ of readLog(file, { follow: true })) break;
      fill(ballast);
      // Twenty times what a FIFO holds.
      const much = Buffer.alloc(1_300_000, "x");
      await out.write(much);
      rmSync(ballast);
      await out.write("after\n");
      out.close();
      assert.equal(await pump.ended, "ended");
      const { text, dropped } = await totals(file);
      assert.ok(text.startsWith("before\n"));
      assert.ok(dropped > 1_000_000n, `${dropped} bytes`);
      assert.equal(BigInt(text.length) + dropped, BigInt(much.length + "before\nafter\n".length));
    }));

  test("has its end when there is room for that", (t) =>
    onSmallDisk(t, async ({ bench, file, ballast }) => {
      const pump = await bench.start({ terminal: true, file });
      const out = bench.writer();
      fill(ballast);
      await out.write(Buffer.alloc(500_000, "x"));
      out.close();
      const followed = Array.fromAsync(readLog(file, { follow: true, raw: true }));
      rmSync(ballast);
      const entries = await followed;
      assert.equal(await pump.ended, "ended");
      const sum = entries.reduce((all, { data, droppedBytes = 0n }) => all + BigInt(data.length) + droppedBytes, 0n);
      assert.equal(sum, 500_000n);
    }));

  test("is begun although there is no room for it", (t) =>
    onSmallDisk(t, async ({ bench, file, ballast }) => {
      fill(ballast);
      const pump = await bench.start({ terminal: true, file });
      const out = bench.writer();
      await out.write(Buffer.alloc(200_000, "x"));
      rmSync(ballast);
      out.close();
      assert.equal(await pump.ended, "ended");
      const { text, dropped } = await totals(file);
      assert.equal(BigInt(text.length) + dropped, 200_000n);
    }));

  test("lets its pump go when it is removed", (t) =>
    onSmallDisk(t, async ({ bench, file, ballast }) => {
      const pump = await bench.start({ terminal: true, file });
      fill(ballast);
      const out = bench.writer();
      await out.write(Buffer.alloc(300_000, "x"));
      out.close();
      rmSync(file);
      assert.equal(await pump.ended, "ended");
    }));
});
