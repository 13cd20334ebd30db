import assert from "node:assert/strict";
import { test } from "node:test";
import type { LinuxResources } from "@orlop/core";
import { warnOfIdleWeight } from "./idle-weight.ts";

test("a weight beside idleness is told of, in words that callers know", () => {
  const heard = (resources: LinuxResources): readonly string[] => {
    const warnings: string[] = [];
    warnOfIdleWeight(resources, (text) => warnings.push(text));
    return warnings;
  };
  for (const resources of [
    { cpu: { shares: 200, idle: 1 } },
    { cpu: { shares: 200n, idle: 1n } },
    { unified: { "cpu.idle": "1", "cpu.weight": "8" } },
  ]) {
    assert.equal(heard(resources).length, 1);
    assert.match(heard(resources)[0] ?? "", /unable to apply both/);
  }
  for (const resources of [{ cpu: { shares: 0, idle: 1 } }, { cpu: { shares: 5, idle: 0 } }, { unified: {} }, {}]) {
    assert.deepEqual(heard(resources), []);
  }
});
