import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { busyboxObstacle, enableSimpleQuotas, makeBusyboxRootfs, tryLoopDisk } from "@orlop/testkit";
import { SuiteContext } from "./suite-context-fixture.ts";

const MEBIBYTE = 1024 * 1024;
const disk = tryLoopDisk({ type: "btrfs", sizeBytes: 512 * MEBIBYTE });
after(() => typeof disk !== "string" && disk[Symbol.dispose]());
const obstacle = typeof disk === "string" ? disk : (busyboxObstacle() ?? enableSimpleQuotas(disk.path));
const skip = obstacle ?? false;
const c = new SuiteContext({ skip, stateDirectory: "/run/orlop" });

const LIMIT = ["--storage-opt", "size=8m"];
const fill = (mebibytes: number): readonly string[] => ["sh", "-c", `dd if=/dev/zero of=/f bs=1M count=${mebibytes}`];

describe("a limit on what is written to the root file system", { skip }, () => {
  const root = typeof disk === "string" ? "" : disk.path;
  const image = (): string => `tar:${c.place("root.tar")}`;
  const env = { ORLOP_SNAPSHOTTER: "btrfs", ORLOP_ROOT: join(root, "store") };

  before(async () => {
    makeBusyboxRootfs(c.place("rootfs"));
    await c.fixture.start("tar", ["-C", c.place("rootfs"), "-cf", c.place("root.tar"), "."]);
  });

  test("holds, and is the container's alone", async () => {
    const full = await c.run([...LIMIT, image(), ...fill(32)], { env });
    assert.match(full.stderr, /[Qq]uota exceeded/);
    assert.notEqual(full.exitCode, 0);
    const within = await c.run([...LIMIT, image(), ...fill(4)], { env });
    assert.equal(within.exitCode, 0, within.stderr);
    const unlimited = await c.run([image(), ...fill(32)], { env });
    assert.equal(unlimited.exitCode, 0, unlimited.stderr);
  });

  test("is there each time that a container runs", async () => {
    const made = await c.fixture.orlop(["create", "--name", "limited", ...LIMIT, image(), ...fill(32)], { env });
    assert.equal(made.exitCode, 0, made.stderr);
    for (let time = 0; time < 2; time++) {
      const started = await c.fixture.orlop(["start", "-a", "limited"], { env });
      assert.match(started.stderr, /[Qq]uota exceeded/);
    }
    const removed = await c.fixture.orlop(["rm", "limited"], { env });
    assert.equal(removed.exitCode, 0, removed.stderr);
  });
});

describe("a limit that cannot be kept", { skip: process.getuid?.() === 0 ? false : "needs root" }, () => {
  test("is refused, and no image comes", async () => {
    for (const [snapshotter, reference, message] of [
      ["overlay", "registry.invalid/image", /Cannot limit snapshot: .*has no project quotas/],
      ["erofs", "registry.invalid/image", /Cannot limit snapshot: .*has no project quotas/],
      ["overlay", "host", /Cannot limit what is written to "host"/],
      ["overlay", "dir:/", /Cannot limit what is written to "dir:\/"/],
    ] as const) {
      const { stderr, exitCode } = await c.run([...LIMIT, reference, "true"], {
        env: { ORLOP_SNAPSHOTTER: snapshotter },
      });
      assert.match(stderr, message);
      assert.equal(exitCode, 125);
    }
  });
});
