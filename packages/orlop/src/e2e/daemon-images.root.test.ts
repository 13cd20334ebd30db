import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { erofsObstacle } from "@orlop/snapshot";
import { busyboxObstacle, LayoutWriter, makeBusyboxRootfs, makeTar } from "@orlop/testkit";
import { SuiteContext } from "./suite-context-fixture.ts";

const notRoot = process.getuid?.() === 0 ? false : "needs root";
const noImages = erofsObstacle();
const skip = notRoot || busyboxObstacle() || (noImages === undefined ? false : `no EROFS images here: ${noImages}`);

const c = new SuiteContext({ skip, stateDirectory: "/run/orlop", daemon: true });

/** Busybox below accounts, as an image of this name. */
async function makeImage(name: string): Promise<void> {
  const rootfs = c.place("rootfs");
  makeBusyboxRootfs(rootfs);
  const layout = new LayoutWriter(c.place("layout"));
  const base = execFileSync("tar", ["-C", rootfs, "-cf", "-", "."], { maxBuffer: 1 << 26 });
  const accounts = makeTar([{ path: "etc/passwd", content: "you:x:1234:77::/home/you:/bin/sh\n" }]);
  layout.publish([layout.manifest({ layers: [{ tar: base }, { tar: accounts }], config: { Cmd: ["/bin/sh"] } })]);
  const [loaded = ""] = (await ok("pull", "-q", `oci:${layout.directory}`)).split("\n").slice(-1);
  await ok("tag", loaded, name);
}

async function ok(...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await c.fixture.orlop(args);
  assert.equal(exitCode, 0, stderr);
  return stdout.trim();
}

/** Directories of snapshots. */
function snapshots(): readonly string[] {
  return readdirSync(join(c.fixture.store, "snapshots/erofs"));
}

const LOOK = "id -u; grep ' / / ' /proc/self/mountinfo; echo $(cat /written 2>/dev/null); echo yes >/written";

describe("a daemon's containers of an image", { skip }, () => {
  test("lie on layers that stay mounted, and have each their own files", async () => {
    await makeImage("tried");
    const layers = snapshots();
    assert.equal(layers.length, 2);
    const look = async (...flags: readonly string[]): Promise<readonly string[]> =>
      (await c.output(...flags, "--pull", "never", "tried", "sh", "-c", LOOK)).split("\n");
    const isHeld = (mount = ""): boolean => /lowerdir=\/proc\/\d+\/fd\/901/.test(mount);
    const begunMs = Date.now();
    for (let held = 0; held < 3; ) {
      const [uid, mount, ...seen] = await look();
      assert.deepEqual([uid, seen], ["0", []]);
      if (isHeld(mount)) held += 1;
      else await sleep(50);
      assert.ok(Date.now() - begunMs < 60_000, `"${mount}"`);
    }
    for (let round = 0; round < 2; round++) {
      assert.deepEqual((await c.run(["-u", "you", "tried", "id", "-u"])).stdout, "1234\n");
      const unknown = await c.run(["-u", "nobody-there", "tried", "id", "-u"]);
      assert.equal(unknown.exitCode, 125);
    }
    assert.equal(await ok("ps", "-aq"), "");
    assert.deepEqual(snapshots(), layers);
  });

  test("keep nothing of an image that is removed", async () => {
    await ok("rmi", "--all");
    assert.deepEqual(snapshots(), []);
    const { exitCode, stderr } = await c.run(["--pull", "never", "tried", "true"]);
    assert.equal(exitCode, 125);
    assert.match(stderr, /Cannot find image/);
  });

  c.testLeftovers();
});
