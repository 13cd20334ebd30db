import assert from "node:assert/strict";
import { mkdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { OrlopError } from "@orlop/core";
import { Database, readTar } from "@orlop/image";
import { makeTar } from "@orlop/testkit";
import { openSnapshotter } from "../open-snapshotter.ts";
import { SnapshotWork } from "./snapshot-work-fixture.ts";

const BALLAST = Buffer.alloc(17 * 4096, 1);
/** More than all of the work needs. */
const FILES_MAX = 60;

/** Uses up snapshots of this name on a disk of which, each time, a little more is left. */
export async function checkFullDisk(root: string, name: string): Promise<void> {
  const ballast = join(root, "ballast");
  let failures = 0;
  await using work = await SnapshotWork.open(root, name);
  // The database is there.
  await work.run();
  await removeAll(work);
  for (let left = 0; left < FILES_MAX; left++) {
    fillUp(ballast, left);
    let failure: unknown;
    await work.run().catch((error) => {
      failure = error;
    });
    rmSync(ballast, { recursive: true });
    await work.check();
    if (failure === undefined) break;
    assert.ok(failure instanceof OrlopError, String(failure));
    assert.equal(failure.code, "exhausted", failure.message);
    failures++;
    await removeAll(work);
  }
  assert.ok(failures > 5, `the disk was full only ${failures} times`);
  await work.run();
  await work.check();
}

/** Applies a layer for which the disk is too small, and removes what it has become. */
export async function checkTooLargeLayer(root: string, name: string): Promise<void> {
  using database = new Database(join(root, "metadata.db"));
  const snapshotter = await openSnapshotter(name, { directory: join(root, name), database });
  try {
    await snapshotter.prepare("key", undefined);
    const before = freeBytes(root);
    const content = Buffer.alloc(FILE_BYTES, 1);
    const files = Array.from({ length: before / FILE_BYTES + 1 }, (_, index) => ({ path: `${index}`, content }));
    await assert.rejects(snapshotter.apply("key", readTar(Readable.from([makeTar(files)]))), /no space left/i);
    await snapshotter.remove("key");
    assert.deepEqual(snapshotter.records(), []);
    assert.ok(freeBytes(root) >= before - ROOM_BYTES, `${freeBytes(root)} bytes are free, and were ${before}`);
  } finally {
    await snapshotter.close();
  }
}

/** As small as what the database writes: nothing else has room afterwards. */
const FILE_BYTES = 4096;
/** What the database may have written meanwhile. */
const ROOM_BYTES = 256 * 1024;

function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
}

async function removeAll(work: SnapshotWork): Promise<void> {
  await work.removeUnfinished();
  for (const key of ["written", "upper", "lower"]) await work.snapshotter.remove(key).catch(() => {});
  assert.deepEqual(work.snapshotter.records(), []);
}

/** Makes files until the disk is full, and gives back so many of them. */
function fillUp(directory: string, leftFiles: number): void {
  mkdirSync(directory);
  let files = 0;
  try {
    // What is not on the disk yet may need more there.
    for (; ; files++) writeFileSync(join(directory, `${files}`), BALLAST, { flush: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  }
  for (let index = 0; index < Math.min(leftFiles, files); index++) rmSync(join(directory, `${index}`));
}
