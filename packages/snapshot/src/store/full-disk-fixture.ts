import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import { SnapshotWork } from "./snapshot-work-fixture.ts";

const BALLAST = Buffer.alloc(17 * 4096, 1);
/** More than all of the work needs. */
const FILES_MAX = 60;

/** Uses up snapshots of this name on a disk of which, each time, a little more is left. */
export async function checkFullDisk(root: string, name: string): Promise<void> {
  const ballast = join(root, "ballast");
  let failures = 0;
  await using work = new SnapshotWork(root, name);
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
