import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { findLeftovers } from "../../e2e/leftovers-fixture.ts";

describe("the network of a sandbox", { skip: process.getuid?.() === 0 ? false : "needs root" }, () => {
  test("lets it reach what is allowed, which changes while it is there", async () => {
    const store = mkdtempSync(join(tmpdir(), "orlop-sandbox-network-"));
    try {
      const script = join(import.meta.dirname, "network-script-fixture.ts");
      const { stdout } = await promisify(execFile)(
        "unshare",
        ["--net", "sh", "-c", 'ip link set lo up && exec "$0" -C source "$1"', process.execPath, script],
        { env: { ...process.env, ORLOP_ROOT: store } },
      );
      const [first = "", second = "", result = ""] = stdout.trim().split("\n");
      assert.deepEqual(JSON.parse(result), {
        seen: [
          [80, "silent"],
          [81, "silent"],
          [80, "port 80"],
          [81, "silent"],
          [81, "port 81"],
          [80, "silent"],
        ],
        hosts: true,
        isFound: true,
        answer: "port 80",
        refusals: ["not-found", "invalid"],
      });
      assert.deepEqual(await findLeftovers([first, second], "/run/orlop"), []);
    } finally {
      rmSync(store, { recursive: true, force: true });
    }
  });
});
