import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { busyboxObstacle, makeBusyboxRootfs } from "@orlop/testkit";
import { SuiteContext, type SuiteOptions } from "./suite-context-fixture.ts";

/** Root file systems that nobody has made an image of, as images. */
export function rootSourceSuite(options: SuiteOptions): void {
  const skip = options.skip || busyboxObstacle() || false;
  const c = new SuiteContext({ ...options, skip });

  describe("a root file system that is no image", { skip }, () => {
    before(() => {
      makeBusyboxRootfs(c.place("rootfs"));
      mkdirSync(join(c.place("rootfs"), "data"));
      writeFileSync(join(c.place("rootfs"), "data/file"), "content", { mode: 0o640 });
    });

    test("runs from an archive, compressed or not", async () => {
      const archive = execFileSync("tar", ["-C", c.place("rootfs"), "-cf", "-", "."], { maxBuffer: 1 << 26 });
      writeFileSync(c.place("root.tar"), archive);
      writeFileSync(c.place("root.tar.gz"), gzipSync(archive));
      for (const name of ["root.tar", "root.tar.gz"]) {
        assert.equal(await c.output(`tar:${c.place(name)}`, "cat", "/data/file"), "content");
      }
    });

    test("is pulled from a directory, and is the same each time", async () => {
      const ids = await Promise.all([1, 2].map(() => c.fixture.orlop(["pull", "-q", `dir:${c.place("rootfs")}`])));
      const [first, second] = ids.map(({ stdout, stderr }) => stdout.trim() || stderr);
      assert.match(first ?? "", /^sha256:[0-9a-f]{64}$/);
      assert.equal(first, second);
      assert.equal(await c.output(first ?? "", "stat", "-c", "%a %u %s", "/data/file"), "640 0 7");
    });

    test("is not pulled where it is to be written to, or by whom it may not all be read", async () => {
      const writable = await c.fixture.orlop(["pull", `dir:${c.place("rootfs")}:rw`]);
      assert.match(writable.stderr, /Cannot pull "dir:.*:rw": it is used as it is; leave out :rw/);
      if (process.getuid?.() === 0) return;
      const host = await c.fixture.orlop(["pull", "host"]);
      assert.match(host.stderr, /Cannot pull "host": an ordinary user may not read .*\nTry it as root/);
    });

    c.testLeftovers();
  });
}
