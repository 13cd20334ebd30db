import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { busyboxObstacle, makeBusyboxRootfs } from "@orlop/testkit";
import { CommandFixture } from "./command-fixture.ts";
import { isolationSuite } from "./isolation-suite-fixture.ts";
import { findLeftovers } from "./leftovers-fixture.ts";

const skip = process.getuid?.() === 0 ? false : "needs root";
const stateDirectory = "/run/orlop";
isolationSuite({ skip, stateDirectory });

let fixture: CommandFixture;
before(() => {
  fixture = new CommandFixture();
});
after(() => fixture[Symbol.dispose]());

async function output(...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await fixture.run(args);
  assert.equal(exitCode, 0, stderr);
  return stdout.trim();
}

const isV1 = existsSync("/sys/fs/cgroup/memory");

describe("limits of a container", { skip }, () => {
  const files: readonly [flags: string, v1: string, v2: string, value: RegExp][] = [
    ["-m 64m", "memory/memory.limit_in_bytes", "memory.max", /^67108864$/],
    ["-m 64m --memory-reservation 32m", "memory/memory.soft_limit_in_bytes", "memory.low", /^33554432$/],
    ["--cpus 0.5", "cpu/cpu.cfs_quota_us", "cpu.max", /^50000( 100000)?$/],
    ["--cpu-period 50000 --cpu-quota 25000", "cpu/cpu.cfs_quota_us", "cpu.max", /^25000( 50000)?$/],
    ["--cpu-shares 512", "cpu/cpu.shares", "cpu.weight", /^(512|20|59)$/],
    ["--cpuset-cpus 0", "cpuset/cpuset.cpus", "cpuset.cpus", /^0$/],
    ["--cpuset-mems 0", "cpuset/cpuset.mems", "cpuset.mems", /^0$/],
    ["--pids-limit 50", "pids/pids.max", "pids.max", /^50$/],
  ];
  for (const [flags, v1, v2, value] of files) {
    test(`are set: ${flags}`, async () => {
      assert.match(await output(...flags.split(" "), "host", "cat", `/sys/fs/cgroup/${isV1 ? v1 : v2}`), value);
    });
  }

  test("hold", async () => {
    const fork = await fixture.run([
      "--pids-limit",
      "3",
      "host",
      "sh",
      "-c",
      "sleep 1 & sleep 1 & sleep 1 & sleep 1 & wait",
    ]);
    assert.match(fork.stderr, /fork/i);
    const hungry = ["sh", "-c", "head -c 100m /dev/zero | tail -c 50m > /dev/null"];
    const { exitCode } = await fixture.run(["--init", "-m", "16m", "--memory-swap", "16m", "host", ...hungry]);
    assert.equal(exitCode, 137);
  });
});

describe("devices", { skip }, () => {
  test("are those of every container and no others, whoever makes a node", async () => {
    const script = "mknod /tmp/kmsg c 1 11 && head -c 1 /tmp/kmsg";
    const { stderr, exitCode } = await fixture.run(["--cap-add", "MKNOD", "host", "sh", "-c", script]);
    assert.equal(exitCode, 1);
    assert.match(stderr, /Operation not permitted/);
  });

  test("are given with the access that is said", async () => {
    const flags = ["--device", "/dev/zero:/dev/nought:r"];
    assert.equal(await output(...flags, "host", "stat", "-c", "%t %T", "/dev/nought"), "1 5");
  });
});

describe("the user", { skip: skip || (busyboxObstacle() ?? false) }, () => {
  let image = "";
  before(() => {
    makeBusyboxRootfs(join(fixture.directory, "rootfs"));
    image = `dir:${join(fixture.directory, "rootfs")}`;
  });
  const cases: readonly [user: string, id: string, home: string][] = [
    ["somebody", "uid=1000(somebody) gid=1000(somebody) groups=1000(somebody),2000(extra)", "/home/somebody"],
    ["1000", "uid=1000(somebody) gid=1000(somebody) groups=1000(somebody),2000(extra)", "/home/somebody"],
    ["somebody:extra", "uid=1000(somebody) gid=2000(extra) groups=2000(extra)", "/home/somebody"],
    ["4242", "uid=4242 gid=0(root) groups=0(root)", "/"],
    ["4242:5", "uid=4242 gid=5(tty) groups=5(tty)", "/"],
  ];
  for (const [user, id, home] of cases) {
    test(`is who the image's files say: ${user}`, async () => {
      const [seen = "", seenHome] = (await output("-u", user, image, "sh", "-c", "id; echo $HOME")).split("\n");
      // busybox shows no groups where there is only the one that it has shown already.
      assert.equal(seen.includes("groups=") ? seen : `${seen} groups=${/gid=(.*)$/.exec(seen)?.[1]}`, id);
      assert.equal(seenHome, home);
    });
  }

  test("gets more groups", async () => {
    const groups = await output("-u", "4242:5", "--group-add", "extra", "--group-add", "77", image, "id");
    assert.match(groups, /groups=(5\(tty\),)?(77,2000\(extra\)|2000\(extra\),77)$/);
  });

  test("has no capabilities, and cannot read what is root's", async () => {
    writeFileSync(join(fixture.directory, "rootfs/etc/secret"), "x", { mode: 0o600 });
    const { stderr } = await fixture.run(["-u", "somebody", image, "cat", "/etc/secret"]);
    assert.match(stderr, /Permission denied/);
    assert.match(await output("-u", "somebody", image, "grep", "CapEff", "/proc/self/status"), /0000000000000000$/);
  });
});

test("the machine's other file systems are seen", { skip }, async (t) => {
  const other = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .find((path) => /^\/(home|var|opt|mnt|srv|boot|media)(\/|$)/.test(path));
  if (other === undefined) {
    t.skip("this machine has one file system");
    return;
  }
  assert.match(await output("host", "cat", "/proc/mounts"), new RegExp(` ${other} `));
});

test("nothing is left of these containers either", { skip }, async () => {
  assert.deepEqual(await findLeftovers(fixture.containerIds(), stateDirectory), []);
});
