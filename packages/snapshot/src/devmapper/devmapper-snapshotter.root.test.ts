import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { after, before, suite, test } from "node:test";
import { SnapshotBench, snapshotterSuite, withTemporaryDirectory } from "@orlop/testkit";
import { makerOf } from "../snapshotter-fixture.ts";
import type { StoredSnapshotter } from "../store/stored-snapshotter.ts";
import { SystemCalls } from "../system/system-calls.ts";
import { DeviceMapper, numberOf } from "./device-mapper.ts";
import { hasThinDevice, makeThinPool, type ThinPool, thinPoolObstacle } from "./thin-pool-fixture.ts";

const MEBIBYTE = 1024 * 1024;
const obstacle = thinPoolObstacle();
let pool: ThinPool | undefined;

before(async () => {
  if (obstacle === undefined) pool = await makeThinPool();
});
after(async () => await pool?.[Symbol.asyncDispose]());

const name = (settings = ""): string => `devmapper:pool=${pool?.name},size=1g${settings}`;
/** Devices of snapshots go with these, as the pool has no others. */
const makeDevmapper = (directory: string) => makeAndClear(directory, name());

async function makeAndClear(directory: string, of: string) {
  const made = await makerOf(of)(directory);
  const snapshotter = made.snapshotter as StoredSnapshotter;
  return {
    snapshotter,
    async [Symbol.asyncDispose]() {
      for (let left = [...snapshotter.records()]; left.length > 0; left = [...snapshotter.records()]) {
        const parents = new Set(left.map(({ parent }) => parent));
        for (const { key } of left) if (!parents.has(key)) await snapshotter.remove(key);
      }
      await made[Symbol.asyncDispose]();
    },
  };
}

snapshotterSuite("devmapper", makeDevmapper, { obstacle: () => obstacle, parent: "/var/tmp", copies: true });

const UNUSED_TARGET = { type: "error", sectors: 1, parameters: "" };

/** Carries out so many programs, and none of what the process would do after that. */
function killedAfterCalls(system: SystemCalls, count: number): SystemCalls {
  let left = count;
  const run: SystemCalls["run"] = async (...args) => {
    if (left-- <= 0) throw new Error("this process is gone");
    return await system.run(...args);
  };
  return Object.assign(Object.create(SystemCalls.prototype), { run }) as SystemCalls;
}

function onBench(title: string, check: (bench: SnapshotBench, pool: ThinPool) => Promise<void>): void {
  test(title, async (t) => {
    if (pool === undefined) return t.skip(obstacle);
    {
      await using bench = await SnapshotBench.open(makeDevmapper, "/var/tmp");
      await check(bench, pool);
    }
    assert.deepEqual(pool.devices(), []);
  });
}

suite("thin devices of snapshots", () => {
  onBench("share what neither has changed, and are compared", async (bench) => {
    const snapshotter = bench.snapshotter as StoredSnapshotter;
    await bench.layer("l", undefined, [{ path: "kept" }, { path: "gone" }]);
    bench.within(await snapshotter.prepare("run", "l"), (root) => {
      rmSync(join(root, "gone"));
      writeFileSync(join(root, "new"), "new");
    });
    {
      using changes = await snapshotter.changes("run");
      assert.deepEqual(await changes.list(), [
        { kind: "deleted", path: "gone" },
        { kind: "added", path: "new" },
      ]);
    }
    await snapshotter.commit("m", "run");
    assert.deepEqual(await bench.look("m", (root) => readdirSync(root)), ["kept", "new"]);
  });

  onBench("are there again when somebody asks for mounts, after the machine was started anew", async (bench, thin) => {
    const { snapshotter } = bench;
    await bench.layer("l", undefined, [{ path: "f", text: "text" }]);
    const [active, view] = [await snapshotter.prepare("run", "l"), await snapshotter.view("look", "l")];
    using system = new SystemCalls();
    const mapper = new DeviceMapper(system);
    for (const device of thin.devices()) await mapper.remove(device);
    assert.deepEqual(thin.devices(), []);
    assert.deepEqual([await snapshotter.mounts("run"), await snapshotter.mounts("look")], [active, view]);
    for (const mounts of [active, view]) {
      assert.equal(
        bench.within(mounts, (root) => readFileSync(join(root, "f"), "utf8")),
        "text",
      );
    }
  });

  onBench("are finished by the next one where who made them was killed", async (bench) => {
    const { snapshotter } = bench;
    await bench.layer("l", undefined, [{ path: "f", text: "text" }]);
    const [mount] = await snapshotter.prepare("run", "l");
    const device = basename(mount?.source ?? "");
    using system = new SystemCalls();
    await new DeviceMapper(system).remove(device);
    await assert.rejects(new DeviceMapper(killedAfterCalls(system, 1)).create(device, UNUSED_TARGET));
    assert.equal(
      bench.within(await snapshotter.mounts("run"), (root) => readFileSync(join(root, "f"), "utf8")),
      "text",
    );
  });

  onBench("have the limit that is asked for", async (bench) => {
    const mounts = await bench.snapshotter.prepare("run", undefined, { sizeMaxBytes: 20 * MEBIBYTE });
    const { bavail, bsize } = bench.within(mounts, (root) => statfsSync(root));
    assert.ok(Math.abs(bavail * bsize - 20 * MEBIBYTE) < 3 * MEBIBYTE, `${bavail * bsize}`);
  });

  test("are removed by who finds what a dead process has claimed, made and used or not", (t) =>
    withTemporaryDirectory(async (directory) => {
      if (pool === undefined) return t.skip(obstacle);
      using system = new SystemCalls();
      const mapper = new DeviceMapper(system);
      await using made = await makeDevmapper(directory);
      const [kept] = await made.snapshotter.prepare("kept", undefined);
      const store = join(directory, "devmapper");
      const [snapshot = ""] = readdirSync(store).filter((each) => each !== "settings.json");
      for (const id of [1, 2, 3]) {
        const claimed = join(store, `filling-0.0-${id}`);
        mkdirSync(claimed);
        const device = { pool: pool.name, id, sizeBytes: 1 << 20, type: "ext4" };
        writeFileSync(join(claimed, "device.json"), JSON.stringify(device));
      }
      for (const id of [2, 3]) await mapper.message(pool.name, `create_thin ${id}`);
      const parameters = `${numberOf(pool.name)} 3`;
      await mapper.create(`orlop-${pool.name}-3`, { type: "thin", sectors: 2048, parameters });
      await mapper.create(`orlop-${pool.name}-3-filling-0.0-x`, { type: "thin", sectors: 2048, parameters });
      await made.snapshotter.cleanup();
      for (const id of [1, 2, 3]) assert.equal(await hasThinDevice(mapper, pool.name, id), false, `${id}`);
      assert.deepEqual(readdirSync(store).sort(), [snapshot, "settings.json"]);
      assert.deepEqual(pool.devices(), [basename(kept?.source ?? "")]);
    }));

  test("stay with their pool, which is known from then on", (t) =>
    withTemporaryDirectory(async (directory) => {
      if (pool === undefined) return t.skip(obstacle);
      await assert.rejects(async () => makerOf("devmapper")(directory), {
        message: /told of a thin pool\nTry devmapper:pool=NAME/,
      });
      await assert.rejects(async () => makerOf("devmapper:pool=none")(directory), { message: /no device "none"/ });
    }));
});
