import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { withTemporaryDirectory } from "@orlop/testkit";
import type { CgroupDirectory } from "../cgroup-plan.ts";
import { unitResources } from "./unit-resources.ts";

/** Cgroups with this in their files, of version 1 and of version 2. */
async function withCgroups(
  [quota, period]: readonly [quota: string, period: string],
  work: (directories: readonly CgroupDirectory[]) => void,
): Promise<void> {
  await withTemporaryDirectory((path) => {
    for (const version of [1, 2] as const) {
      const directory = join(path, `v${version}`);
      mkdirSync(directory);
      writeFileSync(join(directory, "cpu.max"), `${quota} ${period}\n`);
      writeFileSync(join(directory, "cpu.cfs_quota_us"), `${quota === "max" ? -1 : quota}\n`);
      writeFileSync(join(directory, "cpu.cfs_period_us"), `${period}\n`);
      work([{ version, label: "cpu", controllers: ["cpu"], path: directory, noPrefix: false }]);
    }
  });
}

describe("the CPU quota of a unit", () => {
  test("is rounded up to whole per cent of a CPU, which systemd keeps", () => {
    for (const [quota, period, kept] of [
      [500_000, 1_000_000, 500_000n],
      [500_000, 900_000, 504_000n],
      [600_000, 900_000, 603_000n],
      [12_345, undefined, 13_000n],
      [1, 1000, 10n],
      [-1, 1000, -1n],
    ] as const) {
      const cpu = { quota, ...(period === undefined ? {} : { period }) };
      assert.equal(unitResources({ cpu }).cpu?.quota, kept, `${quota} in ${period}`);
    }
    const others = { cpu: { shares: 5 }, pids: { limit: 1 } };
    assert.deepEqual(unitResources(others), others);
  });

  test("stays what it is when its period changes, and the other way round", async () => {
    await withCgroups(["500000", "1000000"], (directories) => {
      const updated = (cpu: object) => unitResources({ cpu }, directories).cpu;
      assert.deepEqual(updated({ period: 900_000 }), { quota: 504_000n, period: 900_000n });
      assert.deepEqual(updated({ quota: 600_000 }), { quota: 600_000n, period: 1_000_000n });
      assert.deepEqual(updated({ quota: 30_000, period: 100_000 }), { quota: 30_000n, period: 100_000n });
      assert.deepEqual(updated({ shares: 7 }), { shares: 7 });
    });
    await withCgroups(["max", "100000"], (directories) => {
      assert.deepEqual(unitResources({ cpu: { period: 50_000 } }, directories).cpu, { quota: -1n, period: 50_000n });
    });
  });

  test("is so in a file of version 2 as well", async () => {
    const updated = (max: string, directories?: readonly CgroupDirectory[]) =>
      unitResources({ unified: { "cpu.max": max, "cpu.weight": "5" } }, directories).unified;
    assert.deepEqual(updated("500000 900000"), { "cpu.max": "504000 900000", "cpu.weight": "5" });
    assert.equal(updated("12345")?.["cpu.max"], "13000");
    for (const max of ["max", "max 5000", "much", "1 2 3"]) assert.equal(updated(max)?.["cpu.max"], max);
    await withCgroups(["max", "200000"], (directories) => {
      assert.equal(updated("12345", directories)?.["cpu.max"], "14000 200000");
    });
  });
});
