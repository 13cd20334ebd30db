import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { mayHaveEnded } from "./may-have-ended.ts";

test("containers may have ended whose init is gone, or which neither have a reaper's pipe nor are heard of", async () => {
  const root = mkdtempSync(join(tmpdir(), "orlop-ended-"));
  try {
    const gone = spawn("true");
    await once(gone, "exit");
    const here = process.pid;
    for (const id of ["reaped", "heard", "other", "bare", "ended", "ended-heard"]) mkdirSync(join(root, id));
    for (const id of ["reaped", "ended"]) writeFileSync(join(root, id, "control"), "");
    const inits = new Map([
      ["reaped", here],
      ["heard", here],
      ["other", here],
      ["bare", here],
      ["ended", gone.pid ?? 0],
      ["ended-heard", gone.pid ?? 0],
    ]);
    const heard = new Map([
      ["heard", here],
      // What was heard is of another init than the one that is asked for.
      ["other", here + 1],
      ["ended-heard", gone.pid ?? 0],
    ]);
    const ended = mayHaveEnded(root, inits, (id) => heard.get(id));
    assert.deepEqual([...ended], ["other", "bare", "ended", "ended-heard"]);
  } finally {
    rmSync(root, { recursive: true });
  }
});
