import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
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

/** What a cgroup was made in, wherever that is. */
function removeCgroup(name: string): void {
  const points = readdirSync("/sys/fs/cgroup").map((each) => join("/sys/fs/cgroup", each, name));
  for (const path of [...points, join("/sys/fs/cgroup", name)]) if (existsSync(path)) rmdirSync(path);
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

  const skipV2 = isV1 ? false : "version 2 of cgroups does not have them";
  test("of version 1 are set", { skip: skipV2 }, async () => {
    const memory = ["memory.swappiness", "memory.oom_control"].map((file) => `/sys/fs/cgroup/memory/${file}`);
    const flags = ["-m", "64m", "--memory-swappiness", "10", "--oom-kill-disable"];
    assert.match(await output(...flags, "host", "cat", ...memory), /^10\noom_kill_disable 1\n/);
    const parent = `/sys/fs/cgroup/cpu/orlop-rt-${process.pid}`;
    mkdirSync(parent);
    try {
      writeFileSync(join(parent, "cpu.rt_runtime_us"), "2000");
      const rt = ["--cpu-rt-runtime", "1000", "--cgroup-parent", `/orlop-rt-${process.pid}`];
      assert.equal(await output(...rt, "host", "cat", "/sys/fs/cgroup/cpu/cpu.rt_runtime_us"), "1000");
    } finally {
      removeCgroup(`orlop-rt-${process.pid}`);
    }
  });

  test("that this kernel has not are left out with a warning, or refused", async () => {
    const said = await fixture.run(["--kernel-memory", "64m", "host", "true"]);
    assert.equal(said.exitCode, 0, said.stderr);
    assert.match(
      said.stderr,
      /Your kernel does not support kernel memory limit capabilities .* Limitation discarded\./,
    );
    if (isV1) return;
    const { stderr } = await fixture.run(["--memory-swappiness", "10", "--oom-kill-disable", "host", "true"]);
    assert.match(
      stderr,
      /memory swappiness capabilities .* Memory swappiness discarded\.[\s\S]*OomKillDisable discarded\./,
    );
    const rt = await fixture.run(["--cpu-rt-runtime", "1000", "host", "true"]);
    assert.deepEqual([rt.exitCode, /Your kernel does not support CPU real-time/.test(rt.stderr)], [125, true]);
  });

  test("of block devices are set", async (t) => {
    const name = readdirSync("/sys/block").find((each) => /^(vd|sd|nvme)/.test(each));
    if (name === undefined) return t.skip("this machine has no disk");
    const number = readFileSync(`/sys/block/${name}/dev`, "utf8").trim();
    const flags = ["--device-read-bps", `/dev/${name}:1mb`, "--device-write-iops", `/dev/${name}:100`];
    const files = isV1
      ? ["blkio.throttle.read_bps_device", "blkio.throttle.write_iops_device"].map((file) => `blkio/${file}`)
      : ["io.max"];
    const seen = await output(...flags, "host", "cat", ...files.map((file) => `/sys/fs/cgroup/${file}`));
    const wanted = isV1 ? `${number} 1048576\n${number} 100` : `${number} rbps=1048576 wbps=max riops=max wiops=100`;
    assert.equal(seen, wanted);
  });

  test("stand below another cgroup where it is named", async () => {
    const parent = `orlop-parent-${process.pid}`;
    try {
      const seen = await output("--cgroup-parent", `/${parent}`, "--cgroupns=host", "host", "cat", "/proc/self/cgroup");
      for (const line of seen.split("\n")) assert.match(line, new RegExp(`:/${parent}/[0-9a-f]{64}$`));
    } finally {
      removeCgroup(parent);
    }
  });

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

  test("that are made later are allowed by a rule", async () => {
    const script = "mknod /tmp/kmsg c 1 11 && : < /tmp/kmsg";
    const args = ["--cap-add", "MKNOD", "--cap-add", "SYSLOG", "host", "sh", "-c", script];
    assert.notEqual((await fixture.run(args)).exitCode, 0);
    assert.equal((await fixture.run(["--device-cgroup-rule", "c 1:11 rm", ...args])).exitCode, 0);
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
