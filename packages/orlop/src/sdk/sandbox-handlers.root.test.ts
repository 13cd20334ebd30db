import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { busyboxObstacle, makeBusyboxRootfs } from "@orlop/testkit";
import { findLeftovers } from "../e2e/leftovers-fixture.ts";
import { Sandbox, type SandboxOptions } from "../index.ts";

/** By Debian's packages. */
const PROGRAMS = {
  "oci:runc": ["runc"],
  "oci:crun": ["crun"],
  "shim:io.containerd.runc.v2": ["containerd-shim-runc-v2", "runc"],
} as const satisfies Partial<Record<NonNullable<SandboxOptions["isolation"]> & string, readonly string[]>>;

const notRoot = process.getuid?.() === 0 ? busyboxObstacle() : "needs root";
const isMissing = (program: string): boolean => spawnSync("sh", ["-c", `command -v ${program}`]).status !== 0;

describe("the isolation of a sandbox", { skip: notRoot ?? false }, () => {
  let root = "";
  before(() => {
    root = mkdtempSync(join(tmpdir(), "orlop-handlers-"));
    makeBusyboxRootfs(root);
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  test("is told", async () => {
    await using box = await Sandbox.create({ image: { dir: root } });
    assert.deepEqual([box.isolation, box.handler], ["process", "process"]);
    await assert.rejects(Sandbox.create({ image: { dir: root }, isolation: { min: "vm" } }), {
      code: "unsupported",
      field: "isolation",
      message: /there is no handler for it yet/,
    });
    await assert.rejects(Sandbox.create({ image: { dir: root }, isolation: "oci:no-such-runtime" }), {
      code: "not-found",
    });
  });

  for (const [isolation, programs] of Object.entries(PROGRAMS) as [keyof typeof PROGRAMS, readonly string[]][]) {
    const missing = programs.find(isMissing);
    test(`can be that of ${isolation}`, { skip: missing !== undefined && `${missing} is not installed` }, async () => {
      const box = await Sandbox.create({ image: { dir: root }, isolation, env: { A: "a" } });
      try {
        assert.deepEqual([box.isolation, box.handler], ["process", isolation]);
        const { stdout, stderr, exitCode } = await box.run(["sh", "-c", "cat; echo $A; echo x >&2; exit 7"], {
          input: "in\n",
        });
        assert.deepEqual([stdout, stderr, exitCode], ["in\na\n", "x\n", 7]);
        await box.fs.write("/tmp/a", "by fs");
        assert.equal((await box.$`cat /tmp/a`).stdout, "by fs");
        const { timedOut } = await box.run(["sleep", "1000"], { timeoutMs: 100 });
        assert.equal(timedOut, true);
        await assert.rejects(box.$`/no/such/program`, { code: "executable-not-found" });
      } finally {
        await box[Symbol.asyncDispose]();
      }
      assert.deepEqual(await findLeftovers([box.id], "/run/orlop"), []);
    });
  }
});
