import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { lstatSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { busyboxObstacle, makeBusyboxRootfs } from "@orlop/testkit";
import { SuiteContext } from "./suite-context-fixture.ts";

const skip = (process.getuid?.() === 0 ? false : "needs root") || (busyboxObstacle() ?? false);
const c = new SuiteContext({ skip, stateDirectory: "/run/orlop" });

describe("a new volume", { skip }, () => {
  before(() => {
    const rootfs = c.place("rootfs");
    makeBusyboxRootfs(rootfs);
    mkdirSync(join(rootfs, "data/d"), { recursive: true, mode: 0o750 });
    writeFileSync(join(rootfs, "data/f"), "of the image");
    symlinkSync("f", join(rootfs, "data/link"));
    execFileSync("chown", ["-h", "12:34", join(rootfs, "data/f")]);
    execFileSync("tar", ["-C", rootfs, "-cf", c.place("root.tar"), "."]);
  });

  for (const snapshotter of ["overlay", "native"]) {
    test(`has what the image has at its place, by ${snapshotter}`, async () => {
      const name = `filled-${snapshotter}-${process.pid}`;
      const env = { ORLOP_SNAPSHOTTER: snapshotter };
      const args = [
        "-v",
        `${name}:/data`,
        `tar:${c.place("root.tar")}`,
        "sh",
        "-c",
        "cat /data/link; stat -c %u:%g /data/f",
      ];
      const { stdout, stderr } = await c.run(args, { env });
      assert.equal(stdout, "of the image12:34\n", stderr);
      const { stdout: found } = await c.fixture.orlop(["volume", "inspect", "-f", "{{.Mountpoint}}", name], { env });
      assert.deepEqual(readdirSync(found.trim()), ["d", "f", "link"]);
      assert.equal(lstatSync(join(found.trim(), "d")).mode & 0o7777, 0o750);
      assert.equal((await c.fixture.orlop(["volume", "rm", name], { env })).exitCode, 0);
    });
  }

  c.testLeftovers();
});
