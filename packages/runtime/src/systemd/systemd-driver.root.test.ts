import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, suite, type TestContext, test } from "node:test";
import { isSystemdRunning } from "@orlop/kernel";
import { CommandBench, withCommand } from "../oci/launcher/command-bench-fixture.ts";
import { rootObstacle, type SpecChanges, until, withBench } from "../process/process-bench-fixture.ts";

const obstacle = isSystemdRunning() ? undefined : "needs systemd as process 1 (npm run test:v2)";

/** Of a unit, as systemctl shows them; of one that is gone those of no unit. */
function show(unit: string, ...names: readonly string[]): Readonly<Record<string, string>> {
  const text = execFileSync("systemctl", ["show", unit, ...names.map((name) => `--property=${name}`)], {
    encoding: "utf8",
  });
  const lines = text.split("\n").filter((line) => line !== "");
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
}

function isGone(unit: string): boolean {
  return show(unit, "LoadState").LoadState === "not-found";
}

/** The one of version 2. */
function cgroupOf(pid: number): string {
  return /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, "utf8"))?.[1] ?? "";
}

function file(pid: number, name: string): string {
  return readFileSync(join("/sys/fs/cgroup", cgroupOf(pid), name), "utf8").trim();
}

const idle = ["/bin/sh", "-c", "trap 'exit 3' TERM; echo ready; while :; do sleep 0.1; done"];

/** A config that leaves the place to systemd's driver. */
function managed(changes: SpecChanges = {}): SpecChanges {
  return { ...changes, linux: { cgroupsPath: "", ...changes.linux } };
}

async function succeed(bench: CommandBench, ...args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await bench.call(["--systemd-cgroup", ...args]);
  assert.deepEqual([status, stderr], [0, ""], args.join(" "));
  return stdout;
}

suite("a container in a unit of systemd", () => {
  let common: CommandBench | undefined;
  const withSystemd = async (t: TestContext, work: (bench: CommandBench) => Promise<void>): Promise<void> => {
    const reason = obstacle ?? rootObstacle();
    if (reason !== undefined) return t.skip(reason);
    // In the emulated machine the first start of Node takes many times as long as a call that is served.
    common ??= new CommandBench();
    await common.warm();
    await work(common);
  };
  after(() => common?.[Symbol.asyncDispose]());

  test("lives there from its creation to its end", async (t) => {
    await withSystemd(t, async (bench) => {
      const before = bench.remember();
      const limits = { memory: { limit: 64 << 20 }, pids: { limit: 50 }, cpu: { quota: 50_000, period: 100_000 } };
      const { id, path } = bench.bundle(idle, managed({ linux: { cgroupsPath: "", resources: limits } }));
      const unit = `orlop-${id}.scope`;
      await succeed(bench, "create", "--bundle", path, id);
      const { pid, status } = await bench.state(id);
      assert.equal(status, "created");
      assert.equal(cgroupOf(pid), `/system.slice/${unit}`);
      assert.deepEqual(
        ["memory.max", "pids.max", "cpu.max"].map((name) => file(pid, name)),
        [String(64 << 20), "50", "50000 100000"],
      );
      const names = ["ActiveState", "Delegate", "Slice", "MemoryMax", "TasksMax", "CPUQuotaPerSecUSec"];
      assert.deepEqual(show(unit, ...names), {
        ActiveState: "active",
        Delegate: "yes",
        Slice: "system.slice",
        MemoryMax: String(64 << 20),
        TasksMax: "50",
        CPUQuotaPerSecUSec: "500ms",
      });
      await succeed(bench, "start", id);
      assert.match(await succeed(bench, "exec", id, "cat", "/proc/1/cgroup", "/proc/self/cgroup"), /^(0::\/\n){2}$/);
      await succeed(bench, "pause", id);
      assert.equal((await bench.state(id)).status, "paused");
      await succeed(bench, "resume", id);
      assert.equal(JSON.parse(await succeed(bench, "ps", "--format", "json", id))[0], pid);
      await succeed(bench, "kill", id, "TERM");
      await until("its end", async () => ((await bench.state(id)).status === "stopped" ? true : undefined));
      await succeed(bench, "delete", id);
      assert.ok(isGone(unit));
      await bench.expectNothingLeft(before);
    });
  });

  test("is in the slice and has the name that the config says, with a resident process or without", async (t) => {
    await withSystemd(t, async (bench) => {
      const before = bench.remember();
      const { id, path } = bench.bundle(["/bin/sh", "-c", "cat /proc/self/cgroup; exit 4"], {
        linux: { cgroupsPath: "user-a.slice:box:unit-of-it" },
      });
      const run = ["--systemd-cgroup", "run", "--bundle", path, id];
      const served = await bench.callServed(run);
      assert.deepEqual([served.status, served.stdout, served.stderr], [4, "0::/\n", ""]);
      const alone = await bench.call(run, { env: { ORLOP_OCI_RESIDENT: "0" } });
      assert.deepEqual([alone.status, alone.stdout, alone.stderr], [4, "0::/\n", ""]);
      assert.ok(isGone("box-unit-of-it.scope"));
      await bench.expectNothingLeft(before);
    });
  });

  test("keeps its devices and new limits when systemd reloads, and has the properties of its annotations", async (t) => {
    await withSystemd(t, async (bench) => {
      const before = bench.remember();
      const disk = statSync("/").dev;
      const [allowed, denied] = [statSync("/dev/autofs").rdev, disk].map((dev) => ({
        major: dev >> 8,
        minor: dev & 0xff,
      }));
      assert(allowed !== undefined && denied !== undefined);
      const annotations = {
        "org.systemd.property.CollectMode": "'inactive-or-failed'",
        "org.systemd.property.TimeoutStopSec": "uint64 42",
      };
      const devices = [
        { path: "/dev/allowed", type: "c", ...allowed, fileMode: 0o666 },
        { path: "/dev/denied", type: "b", ...denied, fileMode: 0o666 },
      ] as const;
      const resources = {
        devices: [
          { allow: false, access: "rwm" },
          { allow: true, type: "c", ...allowed, access: "rw" },
        ],
      } as const;
      const { id, path } = bench.bundle(idle, managed({ top: { annotations }, linux: { devices, resources } }));
      const unit = `orlop-${id}.scope`;
      await succeed(bench, "run", "--detach", "--bundle", path, id);
      const { pid } = await bench.state(id);
      const opens = async (): Promise<string> =>
        succeed(
          bench,
          "exec",
          id,
          "sh",
          "-c",
          "for d in allowed denied null; do (: </dev/$d) 2>/dev/null; echo $?; done",
        );
      assert.equal(await opens(), "0\n1\n0\n");
      assert.deepEqual(show(unit, "CollectMode", "TimeoutStopUSec", "DevicePolicy"), {
        CollectMode: "inactive-or-failed",
        TimeoutStopUSec: "42s",
        DevicePolicy: "strict",
      });
      await succeed(bench, "update", "--memory", "50000000", "--pids-limit", "20", "--cpu-quota", "20000", id);
      await succeed(bench, "update", "--cpu-period", "90000", id);
      const files = () => ["memory.max", "pids.max", "cpu.max"].map((name) => file(pid, name));
      // The quota in whole per cent of a CPU.
      const limits = [String(Math.floor(50_000_000 / 4096) * 4096), "20", "20700 90000"];
      assert.deepEqual(files(), limits);
      execFileSync("systemctl", ["daemon-reload"]);
      assert.deepEqual(files(), limits);
      assert.equal(await opens(), "0\n1\n0\n");
      await succeed(bench, "delete", "--force", id);
      assert.ok(isGone(unit));
      await bench.expectNothingLeft(before);
    });
  });

  test("is restored into one", async (t) => {
    const criu = spawnSync("criu", ["--version"]);
    if (criu.error !== undefined) return t.skip("needs criu (Debian: criu)");
    await withSystemd(t, async (bench) => {
      const before = bench.remember();
      const { id, path } = bench.bundle(["/bin/sh", "-c", "while :; do sleep 0.1; done"], managed());
      const unit = `orlop-${id}.scope`;
      const images = bench.path("images");
      await succeed(bench, "run", "--detach", "--bundle", path, id);
      await succeed(bench, "checkpoint", "--image-path", images, id);
      assert.ok(isGone(unit));
      await succeed(bench, "restore", "--detach", "--image-path", images, "--bundle", path, id);
      const { pid, status } = await bench.state(id);
      assert.deepEqual([status, cgroupOf(pid)], ["running", `/system.slice/${unit}`]);
      assert.equal(show(unit, "ActiveState").ActiveState, "active");
      await succeed(bench, "delete", "--force", id);
      assert.ok(isGone(unit));
      rmSync(images, { recursive: true });
      await bench.expectNothingLeft(before);
    });
  });

  test("leaves nothing when systemd does not make the unit, and says why", async (t) => {
    await withSystemd(t, async (bench) => {
      const before = bench.remember();
      const annotations = { "org.systemd.property.NoSuchThing": "'x'" };
      const { id, path } = bench.bundle(idle, managed({ top: { annotations } }));
      const { status, stderr } = await bench.call(["--systemd-cgroup", "create", "--bundle", path, id]);
      assert.equal(status, 1);
      assert.match(stderr, /Cannot put process into unit "orlop-.*\.scope": systemd refused \(.*NoSuchThing/);
      assert.equal((await bench.call(["state", id])).status, 1);
      await bench.expectNothingLeft(before);
    });
  });

  test("says why its own making failed, and not that systemd had nobody to take in", async (t) => {
    await withSystemd(t, async (bench) => {
      const before = bench.remember();
      const mounts = [{ destination: "/x", type: "no-such-type", source: "x" }];
      const { id, path } = bench.bundle(idle, managed({ top: { mounts } }));
      const { status, stderr } = await bench.call(["--systemd-cgroup", "create", "--bundle", path, id]);
      assert.equal(status, 1);
      assert.match(stderr, /no-such-type/);
      assert.ok(isGone(`orlop-${id}.scope`));
      await bench.expectNothingLeft(before);
    });
  });

  test("is refused where there is none, and leaves nothing", async (t) => {
    if (obstacle === undefined) return t.skip("needs a machine without systemd");
    await withCommand(t, async (bench) => {
      const before = bench.remember();
      const { id, path } = bench.bundle(idle, managed());
      const { status, stderr } = await bench.call(["--systemd-cgroup", "create", "--bundle", path, id]);
      assert.equal(status, 1);
      assert.match(stderr, /Cannot use cgroup manager "systemd": this machine runs without systemd .*\nTry cgroupfs/);
      assert.equal((await bench.call(["state", id])).status, 1);
      await bench.expectNothingLeft(before);
    });
  });

  test("is one of a runtime's in this process", async (t) => {
    if (obstacle !== undefined) return t.skip(obstacle);
    await withBench(
      t,
      async (bench) => {
        const id = await bench.start("sleep 1000", { linux: { cgroupsPath: "" } });
        const { pid = 0 } = await bench.runtime.state(id);
        assert.equal(cgroupOf(pid), `/system.slice/orlop-${id}.scope`);
        await bench.runtime.update(id, { pids: { limit: 30n } });
        assert.equal(show(`orlop-${id}.scope`, "TasksMax").TasksMax, "30");
        assert.equal((await bench.runtime.stats(id)).pids?.limit, 30);
        await bench.runtime.signal(id, 9);
        assert.equal((await bench.runtime.wait(id)).signal, 9);
        await bench.runtime.delete(id);
        assert.ok(isGone(`orlop-${id}.scope`));
        assert.equal(existsSync(`/sys/fs/cgroup/system.slice/orlop-${id}.scope`), false);
      },
      { cgroupDriver: "systemd" },
    );
  });
});
