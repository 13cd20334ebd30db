import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { findProgram } from "@orlop/kernel";
import { busyboxObstacle, makeBusyboxRootfs, tryLoopDisk } from "@orlop/testkit";
import { SuiteContext } from "./suite-context-fixture.ts";

function obstacle(): string | false {
  const disk = tryLoopDisk({ type: "ext4", sizeBytes: 8 << 20 });
  if (typeof disk === "string") return disk;
  disk[Symbol.dispose]();
  return busyboxObstacle() ?? false;
}

const skip = obstacle();
const c = new SuiteContext({ skip, stateDirectory: "/run/orlop", env: { ORLOP_SNAPSHOTTER: "blockfile" } });

/** Files of the store that are block devices. */
function devices(): readonly string[] {
  return readdirSync("/sys/block").flatMap((name) => {
    const file = join("/sys/block", name, "loop/backing_file");
    const path = existsSync(file) ? readFileSync(file, "utf8").trim() : "";
    return path.startsWith(c.fixture.store) ? [path] : [];
  });
}

async function succeed(...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await c.fixture.orlop(args);
  assert.equal(exitCode, 0, stderr);
  return stdout;
}

describe("containers whose root file systems are disks in files", { skip }, () => {
  const image = (): string => `tar:${c.place("root.tar")}`;

  before(() => {
    makeBusyboxRootfs(c.place("rootfs"));
    execFileSync("tar", ["-C", c.place("rootfs"), "-cf", c.place("root.tar"), "."]);
  });

  test("have them mounted by themselves, as the users of the image", async () => {
    const script = "grep ' / ' /proc/mounts; echo written >/f; cat /f; id -u";
    const [mount = "", ...others] = (await c.output(image(), "sh", "-c", script)).split("\n");
    assert.match(mount, /^\/dev\/loop\d+ \/ ext4 rw/);
    assert.deepEqual(others, ["written", "0"]);
    assert.equal(
      await c.output("--read-only", image(), "sh", "-c", "echo x 2>/dev/null >/f || echo read-only"),
      "read-only",
    );
  });

  test("keep what is written, show it, and become images", async () => {
    const name = `disk-${process.pid}`;
    const made = ["run", ...c.fixture.idFlags(), "--name", name, image(), "sh", "-c", "echo more >>/more; cat /more"];
    assert.equal(await succeed(...made), "more\n");
    assert.equal(await succeed("start", "-a", name), "more\nmore\n");
    assert.match(await succeed("diff", name), /^A \/more$/m);
    await succeed("commit", name, "localhost/committed:1");
    assert.equal(await c.output("localhost/committed:1", "cat", "/more"), "more\nmore");
    await succeed("rm", name);
  });

  test("are compared while they run", async () => {
    const name = `running-${process.pid}`;
    const args = [
      "run",
      "-d",
      ...c.fixture.idFlags(),
      "--name",
      name,
      image(),
      "sh",
      "-c",
      "echo 1 >/one; echo up; sleep 1000",
    ];
    await succeed(...args);
    for (let left = 500; left > 0 && !(await succeed("logs", name)).includes("up"); left--) await sleep(10);
    assert.match(await succeed("diff", name), /^A \/one$/m);
    assert.equal(await succeed("exec", name, "cat", "/one"), "1\n");
    await succeed("rm", "-f", name);
  });

  test("are full when they have a limit", async () => {
    const fill = ["sh", "-c", "dd if=/dev/zero of=/f bs=1M count=32"];
    const full = await c.run(["--storage-opt", "size=8m", image(), ...fill]);
    assert.match(full.stderr, /No space left/);
    assert.equal((await c.run([image(), ...fill])).exitCode, 0);
  });

  for (const program of ["runc", "crun"]) {
    const missing = findProgram(program) === undefined ? `needs ${program}` : false;
    test(`are those of containers that ${program} makes`, { skip: missing }, async () => {
      const seen = await c.output(
        "--runtime",
        `oci:${program}`,
        image(),
        "sh",
        "-c",
        "grep ' / ' /proc/mounts; echo x >/x",
      );
      assert.match(seen, /^\/dev\/loop\d+ \/ ext4 rw/);
    });
  }

  test("fill volumes", async () => {
    const seen = await c.output(
      "-v",
      `filled-${process.pid}:/bin`,
      image(),
      "sh",
      "-c",
      "ls /bin | grep -c .; grep -c ' /bin ' /proc/mounts",
    );
    const [files = "", mounts] = seen.split("\n");
    assert.ok(Number(files) > 10, seen);
    assert.equal(mounts, "1");
    await succeed("volume", "rm", `filled-${process.pid}`);
  });

  test("leave nothing behind", async () => {
    for (const id of new Set((await succeed("images", "-q")).trim().split("\n"))) await succeed("rmi", "-f", id);
    await succeed("system", "prune", "-f");
    for (let left = 500; left > 0 && devices().length > 0; left--) await sleep(10);
    assert.deepEqual(devices(), []);
    assert.deepEqual(readdirSync(join(c.fixture.store, "snapshots/blockfile")), []);
  });

  c.testLeftovers();
});
