import { suite, type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { assertNoLeakSince } from "../leaks/assert-no-leak.ts";
import type { LeakScope } from "../leaks/kernel-state.ts";
import { snapshotKernelState } from "../leaks/snapshot-kernel-state.ts";
import { patience } from "../patience.ts";
import { busyboxObstacle } from "../rootfs.ts";
import { execCases } from "./exec-cases.ts";
import { lifeCycleCases } from "./life-cycle-cases.ts";
import { resourceCases } from "./resource-cases.ts";
import { refusalCases, rootCases } from "./root-cases.ts";
import { RuntimeBench, SUITE_MARK } from "./runtime-bench.ts";
import { stdioCases } from "./stdio-cases.ts";
import type { RuntimeSuiteCase } from "./suite-case.ts";
import type { MakeRuntime, RuntimeSuiteOptions } from "./suite-subject.ts";

const groups: Readonly<Record<string, readonly RuntimeSuiteCase[]>> = {
  "life cycle": lifeCycleCases,
  exec: execCases,
  "standard descriptors": stdioCases,
  resources: resourceCases,
  "root file systems": rootCases,
  refusals: refusalCases,
};

const caseTimeMaxMs = patience(20_000);

/** A case that hangs fails here, where its bench is still disposed of: the test runner's own limit would not do that. */
async function withinTime(work: Promise<unknown>): Promise<void> {
  const timer = new AbortController();
  const tooLate = sleep(caseTimeMaxMs, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`the runtime did not answer within ${caseTimeMaxMs} ms`);
  });
  try {
    await Promise.race([work, tooLate]);
  } finally {
    tooLate.catch(() => {});
    timer.abort();
  }
}

async function tryCase(t: TestContext, make: MakeRuntime, { needs, check }: RuntimeSuiteCase): Promise<void> {
  const outside = snapshotKernelState({ mark: SUITE_MARK, directories: [] });
  {
    await using bench = await RuntimeBench.open(make);
    const features = await bench.runtime.features();
    if (needs !== undefined && features[needs] === false) return t.skip(`has no ${needs}`);
    const scope: LeakScope = {
      mark: bench.mark,
      directories: [bench.directory],
      keptDirectories: [bench.stateDirectory],
    };
    // What a runtime keeps from its first container on (a zygote) is there before the first look.
    await withinTime(bench.run("true"));
    const before = snapshotKernelState(scope);
    await withinTime(check(bench, features));
    bench.release();
    await assertNoLeakSince(before);
  }
  // Nothing of the runtime itself stays either, once it has been disposed of.
  await assertNoLeakSince(outside);
}

/**
 * Registers the conformance suite of the `Runtime` contract: what every implementation promises, tried with busybox on
 * the real kernel. After each case nothing may be left: no process, namespace, mount, cgroup, descriptor or state file.
 *
 * Cases of a feature that the runtime does not claim are skipped; that it then refuses by name is a case of its own.
 */
export function runtimeSuite(name: string, make: MakeRuntime, options: RuntimeSuiteOptions = {}): void {
  suite(`${name}, as a Runtime`, () => {
    for (const [group, cases] of Object.entries(groups)) {
      suite(group, () => {
        for (const each of cases) {
          test(each.title, async (t) => {
            const obstacle = busyboxObstacle() ?? (await options.obstacle?.()) ?? options.exceptions?.[each.title];
            if (obstacle !== undefined) return t.skip(obstacle);
            await tryCase(t, make, each);
          });
        }
      });
    }
  });
}
