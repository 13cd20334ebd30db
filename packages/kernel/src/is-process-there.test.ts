import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { isProcessThere } from "./is-process-there.ts";

test("finds this process and the first one, and none that has ended", async () => {
  assert.equal(isProcessThere(process.pid), true);
  assert.equal(isProcessThere(1), true);
  assert.equal(isProcessThere(0), false);
  const child = spawn("true", { stdio: "ignore" });
  await once(child, "exit");
  assert.equal(isProcessThere(child.pid ?? 0), false);
});
