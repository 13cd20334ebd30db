import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { busyboxObstacle, makeBusyboxRootfs, patience } from "@orlop/testkit";
import { LAUNCHER } from "./command-fixture.ts";
import { SuiteContext } from "./suite-context-fixture.ts";
import { ThinPoolProcess } from "./thin-pool-process-fixture.ts";

/** Moments at which a command is killed, from its beginning to its end. */
const KILLS = 6;
const DEVICES_GONE_MAX_MS = patience(10_000);

const pool = busyboxObstacle() ?? (await ThinPoolProcess.start());
const thin = typeof pool === "string" ? undefined : pool;
const skip = typeof pool === "string" ? pool : false;
const first = { ORLOP_SNAPSHOTTER: `devmapper:pool=${thin?.name},size=256m` };
/** The store knows its pool from then on. */
const c = new SuiteContext({ skip, stateDirectory: "/run/orlop", env: { ORLOP_SNAPSHOTTER: "devmapper" } });

async function succeed(...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await c.fixture.orlop(args);
  assert.equal(exitCode, 0, stderr);
  return stdout;
}

/** Snapshots with a device, whether or not it is there just now. */
function snapshots(): readonly string[] {
  return readdirSync(join(c.fixture.store, "snapshots/devmapper")).filter((name) => name !== "settings.json");
}

/** Kills a command, with what it has started, at moments that are spread over the time that it takes. */
async function killAtMoments(args: () => readonly string[]): Promise<void> {
  const begin = performance.now();
  const call = () => spawn(LAUNCHER, args(), { env: c.fixture.env, stdio: "ignore", detached: true });
  const [exitCode] = await once(call(), "exit");
  assert.equal(exitCode, 0);
  const wholeMs = performance.now() - begin;
  for (let kill = 1; kill <= KILLS; kill++) {
    const child = call();
    const ended = once(child, "exit");
    await Promise.race([sleep((wholeMs * kill) / (KILLS + 1)), ended]);
    if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    await ended;
  }
}

describe("containers whose root file systems are thin devices", { skip }, () => {
  const image = "localhost/thin:1";

  before(async () => {
    makeBusyboxRootfs(c.place("rootfs"));
    execFileSync("tar", ["-C", c.place("rootfs"), "-cf", c.place("root.tar"), "."]);
    const taken = await c.fixture.orlop(["import", c.place("root.tar"), image], { env: first });
    assert.equal(taken.exitCode, 0, taken.stderr);
  });

  after(async () => await thin?.[Symbol.asyncDispose]());

  test("have them mounted by themselves, in the store's pool", async () => {
    const [mount = "", ...others] = (
      await c.output(image, "sh", "-c", "grep ' / ' /proc/mounts; echo written >/f; cat /f")
    ).split("\n");
    assert.match(mount, /^\/dev\/(mapper\/orlop-|dm-)\S+ \/ ext4 rw/);
    assert.deepEqual(others, ["written"]);
    const other = await c.fixture.run([image, "true"], { env: { ORLOP_SNAPSHOTTER: "devmapper:pool=another" } });
    assert.match(other.stderr, new RegExp(`are in pool "${thin?.name}"`));
  });

  test("keep what is written, show it, and become images", async () => {
    const name = `thin-${process.pid}`;
    const made = ["run", ...c.fixture.idFlags(), "--name", name, image, "sh", "-c", "echo more >>/more; cat /more"];
    assert.equal(await succeed(...made), "more\n");
    assert.equal(await succeed("start", "-a", name), "more\nmore\n");
    assert.match(await succeed("diff", name), /^A \/more$/m);
    await succeed("commit", name, "localhost/committed:1");
    assert.equal(await c.output("localhost/committed:1", "cat", "/more"), "more\nmore");
    await succeed("rm", name);
    await succeed("rmi", "localhost/committed:1");
  });

  test("are full when they have a limit", async () => {
    const fill = ["sh", "-c", "dd if=/dev/zero of=/f bs=1M count=32"];
    const full = await c.run(["--storage-opt", "size=8m", image, ...fill]);
    assert.match(full.stderr, /No space left/);
    assert.equal((await c.run([image, ...fill])).exitCode, 0);
  });

  test("are removed by the next collection where a run was killed at any moment", async () => {
    const kept = snapshots();
    await killAtMoments(() => ["run", "--rm", ...c.fixture.idFlags(), image, "true"]);
    assert.equal(await c.output(image, "echo", "runs"), "runs");
    await succeed("system", "prune", "-f");
    assert.deepEqual(snapshots(), kept);
  });

  test("are made by the next one where an import was killed at any moment", async () => {
    const kept = snapshots();
    let count = 0;
    // Each of a layer that is not here yet.
    const next = (): readonly string[] => {
      writeFileSync(c.place("rootfs/count"), `${++count}`);
      execFileSync("tar", ["-C", c.place("rootfs"), "-cf", c.place(`${count}.tar`), "."]);
      return ["import", c.place(`${count}.tar`), `localhost/again:${count}`];
    };
    await killAtMoments(next);
    for (let each = 1; each <= count; each++) {
      const name = `localhost/again:${each}`;
      await succeed("import", c.place(`${each}.tar`), name);
      assert.equal(await c.output(name, "cat", "/count"), `${each}`);
      await succeed("rmi", name);
    }
    await succeed("image", "prune", "-f");
    await succeed("system", "prune", "-f");
    assert.deepEqual(snapshots(), kept);
  });

  test("leave nothing behind", async () => {
    await succeed("rmi", "-f", image);
    await succeed("system", "prune", "-f");
    const untilMs = performance.now() + DEVICES_GONE_MAX_MS;
    while ((thin?.devices().length ?? 0) > 0 && performance.now() < untilMs) await sleep(10);
    assert.deepEqual(thin?.devices(), []);
    assert.deepEqual(snapshots(), []);
  });

  c.testLeftovers();
});
