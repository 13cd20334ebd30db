import { suite, test } from "node:test";
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
  const { obstacle, exceptions } = options;
  suite(`${name}, as a Network`, () => {
    for (const [group, cases] of Object.entries(groups)) {
      suite(group, () => {
        for (const each of cases) {
          test(each.title, async (t) => {
            const reason = obstacle?.() ?? exceptions?.[each.title];
            if (reason !== undefined) return t.skip(reason);
            await using bench = await NetworkBench.open(make);
            const missing = missingFeature(each, await bench.driver.features());
            if (missing !== undefined) return t.skip(`the driver does not have "${missing}"`);
            await each.check(bench);
          });
        }
      });
    }
  });
}

function missingFeature({ needs = [] }: NetworkCase, features: NetworkFeatures): string | undefined {
  return needs.find((feature) => {
    const value = features[feature];
    return value === false || (Array.isArray(value) && value.length === 0);
  });
}
