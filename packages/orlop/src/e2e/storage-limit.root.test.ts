import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import {
  busyboxObstacle,
  enableSimpleQuotas,
  type LoopDiskOptions,
  makeBusyboxRootfs,
  tryLoopDisk,
} from "@orlop/testkit";
import { SuiteContext } from "./suite-context-fixture.ts";

const MEBIBYTE = 1024 * 1024;
const LIMIT = ["--storage-opt", "size=8m"];
/** For xfs a project that is full is a disk that is. */
const FULL = /[Qq]uota exceeded|No space left/;
const fill = (mebibytes: number): readonly string[] => ["sh", "-c", `dd if=/dev/zero of=/f bs=1M count=${mebibytes}`];

interface LimitedDisk {
  readonly snapshotter: string;
  readonly options: LoopDiskOptions;
  /** Gives why there are no quotas; absent: there are as it is mounted. */
  readonly enable?: (path: string) => string | undefined;
}

const PROJECTS = ["-I", "256", "-O", "quota,project", "-E", "quotatype=prjquota"];
const DISKS: readonly LimitedDisk[] = [
  { snapshotter: "btrfs", options: { type: "btrfs", sizeBytes: 512 * MEBIBYTE }, enable: enableSimpleQuotas },
  {
    snapshotter: "overlay",
    options: { type: "ext4", sizeBytes: 256 * MEBIBYTE, make: PROJECTS, mount: ["prjquota"] },
  },
  { snapshotter: "native", options: { type: "xfs", sizeBytes: 512 * MEBIBYTE, mount: ["prjquota"] } },
];

for (const { snapshotter, options, enable } of DISKS) {
  const disk = tryLoopDisk(options);
  after(() => typeof disk !== "string" && disk[Symbol.dispose]());
  const obstacle = typeof disk === "string" ? disk : (busyboxObstacle() ?? enable?.(disk.path));
  const skip = obstacle ?? false;
  const c = new SuiteContext({ skip, stateDirectory: "/run/orlop" });

  describe(`a limit on what is written to the root file system, by ${snapshotter} on ${options.type}`, { skip }, () => {
    const root = typeof disk === "string" ? "" : disk.path;
    const image = (): string => `tar:${c.place("root.tar")}`;
    const env = { ORLOP_SNAPSHOTTER: snapshotter, ORLOP_ROOT: join(root, "store") };

    before(async () => {
      makeBusyboxRootfs(c.place("rootfs"));
      await c.fixture.start("tar", ["-C", c.place("rootfs"), "-cf", c.place("root.tar"), "."]);
    });

    test("holds, and is the container's alone", async () => {
      const full = await c.run([...LIMIT, image(), ...fill(32)], { env });
      assert.match(full.stderr, FULL);
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
        assert.match(started.stderr, FULL);
      }
      const removed = await c.fixture.orlop(["rm", "limited"], { env });
      assert.equal(removed.exitCode, 0, removed.stderr);
    });
  });
}

const c = new SuiteContext({
  skip: process.getuid?.() === 0 ? false : "needs root",
  stateDirectory: "/run/orlop",
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
