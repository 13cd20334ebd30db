import { suite, test } from "node:test";
import { applyCases } from "./apply-cases.ts";
import { attackCases } from "./attack-cases.ts";
import { lifeCycleCases } from "./life-cycle-cases.ts";
import { mountCases } from "./mount-cases.ts";
import { sharingCases } from "./sharing-cases.ts";
import { SnapshotBench } from "./snapshot-bench.ts";
import type { SnapshotCase } from "./snapshot-case.ts";
import type { MakeSnapshotter, SnapshotterSuiteOptions } from "./snapshotter-subject.ts";

const groups: Readonly<Record<string, readonly SnapshotCase[]>> = {
  "life cycle": lifeCycleCases,
  layers: applyCases,
  attacks: attackCases,
  mounts: mountCases,
  sharing: sharingCases,
};

/**
 * Registers the conformance suite of the `Snapshotter` contract: what every implementation promises. What is in snapshots is
 * looked at through their mounts, made by mount(8) on the real kernel.
 */
export function snapshotterSuite(name: string, make: MakeSnapshotter, options: SnapshotterSuiteOptions = {}): void {
  const { obstacle, mountObstacle, exceptions, parent, copies = false } = options;
  suite(`${name}, as a Snapshotter`, () => {
    for (const [group, cases] of Object.entries(groups)) {
      suite(group, () => {
        for (const { title, mounts, check } of cases) {
          test(title, async (t) => {
            const reason = obstacle?.() ?? (mounts ? mountObstacle?.() : undefined) ?? exceptions?.[title];
            if (reason !== undefined) return t.skip(reason);
            await using bench = await SnapshotBench.open(make, parent, { copies });
            await check(bench);
          });
        }
      });
    }
  });
}
