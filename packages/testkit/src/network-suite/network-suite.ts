import { suite, type TestContext, test } from "node:test";
import type { NetworkFeatures } from "@orlop/core";
import { egressCases } from "./egress-cases.ts";
import { lifeCycleCases } from "./life-cycle-cases.ts";
import { NetworkBench } from "./network-bench.ts";
import type { NetworkCase } from "./network-case.ts";
import type { MakeNetworkDriver, NetworkSuiteOptions } from "./network-subject.ts";
import { publishCases } from "./publish-cases.ts";
import { sharingCases } from "./sharing-cases.ts";
import { trafficCases } from "./traffic-cases.ts";

const groups: Readonly<Record<string, readonly NetworkCase[]>> = {
  "life cycle": lifeCycleCases,
  traffic: trafficCases,
  "published ports": publishCases,
  "egress policies": egressCases,
  sharing: sharingCases,
};

/**
 * Registers the conformance suite of the `Network` contract: what every driver promises. Each case has a host of its own, a
 * network namespace, and packets are sent for real. Needs root.
 */
export function networkSuite(name: string, make: MakeNetworkDriver, options: NetworkSuiteOptions = {}): void {
  registerCases(name, options, async (each, t) => {
    await using bench = await NetworkBench.open(make);
    const missing = missingFeature(each, await bench.driver.features());
    if (missing !== undefined) return t.skip(`the driver does not have "${missing}"`);
    await each.check(bench);
  });
}

/** The same for a driver that has every feature; `run` has each case tried elsewhere, by {@link tryNetworkCase}. */
export function networkSuiteElsewhere(
  name: string,
  run: (title: string) => Promise<void>,
  options: NetworkSuiteOptions = {},
): void {
  registerCases(name, options, ({ title }) => run(title));
}

function registerCases(
  name: string,
  { obstacle, exceptions }: NetworkSuiteOptions,
  check: (each: NetworkCase, t: TestContext) => Promise<void>,
): void {
  suite(`${name}, as a Network`, () => {
    for (const [group, cases] of Object.entries(groups)) {
      suite(group, () => {
        for (const each of cases) {
          test(each.title, async (t) => {
            const reason = obstacle?.() ?? exceptions?.[each.title];
            if (reason !== undefined) return t.skip(reason);
            await check(each, t);
          });
        }
      });
    }
  });
}

/** Tries one case of {@link networkSuite} on the host that this process is on. */
export async function tryNetworkCase(title: string, make: MakeNetworkDriver): Promise<void> {
  const found = Object.values(groups)
    .flat()
    .find((each) => each.title === title);
  if (found === undefined) throw new Error(`there is no case "${title}"`);
  await using bench = await NetworkBench.open(make, "/proc/self/ns/net");
  await found.check(bench);
}

function missingFeature({ needs = [] }: NetworkCase, features: NetworkFeatures): string | undefined {
  return needs.find((feature) => {
    const value = features[feature];
    return value === false || (Array.isArray(value) && value.length === 0);
  });
}
