import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { findLeftovers } from "../../e2e/leftovers-fixture.ts";

describe("secrets of a sandbox on a network", { skip: process.getuid?.() === 0 ? false : "needs root" }, () => {
  test("go where its policy lets it as long as that does, and a direct way leads only placeholders out", async () => {
    const store = mkdtempSync(join(tmpdir(), "orlop-secrets-network-"));
    try {
      const script = join(import.meta.dirname, "network-script-fixture.ts");
      const { stdout } = await promisify(execFile)(
        "unshare",
        ["--net", "sh", "-c", 'ip link set lo up && exec "$0" -C source "$1"', process.execPath, script],
        { env: { ...process.env, ORLOP_ROOT: store } },
      );
      const [first = "", second = "", result = ""] = stdout.trim().split("\n");
      assert.deepEqual(JSON.parse(result), [
        ["200", "value"],
        ["403"],
        ["200", "value"],
        ["200", "value"],
        ["200", "placeholder"],
      ]);
      assert.deepEqual(await findLeftovers([first, second], "/run/orlop"), []);
    } finally {
      rmSync(store, { recursive: true, force: true });
    }
  });
});
