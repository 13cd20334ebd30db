import assert from "node:assert/strict";
import { test } from "node:test";
import { cpuWeightOfShares, ioWeightOfBlockIOWeight, RESOURCE_CONVERSIONS } from "./resource-conversions.ts";

test("CPU shares become the weights that runc 1.3 and crun 1.23 compute", () => {
  const expected: [number | bigint, bigint][] = [
    [1, 1n],
    [2, 1n],
    [3, 2n],
    [1024, 100n],
    [512, 59n],
    [2048, 174n],
    [262_143, 10_000n],
    [262_144, 10_000n],
    [2n ** 63n, 10_000n],
  ];
  for (const [shares, weight] of expected) assert.equal(cpuWeightOfShares(shares), weight, `${shares} shares`);
});

test("more shares never mean less weight, and every weight is in range", () => {
  let last = 0n;
  for (let shares = 2; shares <= 262_144; shares = Math.ceil(shares * 1.01)) {
    const weight = cpuWeightOfShares(shares);
    assert(weight >= last && weight >= 1n && weight <= 10_000n, `${shares} shares`);
    last = weight;
  }
});

test("block I/O weights go linearly from 10-1000 to 1-10000", () => {
  assert.deepEqual([1, 10, 100, 500, 1000].map(ioWeightOfBlockIOWeight), [1, 1, 910, 4950, 10_000]);
});

test("every field of linux.resources has a row", () => {
  const fields = [
    "devices",
    ...["limit", "reservation", "swap", "kernel", "kernelTCP", "swappiness"].map((name) => `memory.${name}`),
    ...["disableOOMKiller", "useHierarchy", "checkBeforeUpdate"].map((name) => `memory.${name}`),
    ...["shares", "quota", "burst", "period", "realtimeRuntime", "realtimePeriod"].map((name) => `cpu.${name}`),
    ...["cpus", "mems", "idle"].map((name) => `cpu.${name}`),
    "pids.limit",
    ...["weight", "leafWeight", "weightDevice", "throttleReadBpsDevice"].map((name) => `blockIO.${name}`),
    ...["throttleWriteBpsDevice", "throttleReadIOPSDevice", "throttleWriteIOPSDevice"].map((name) => `blockIO.${name}`),
    "hugepageLimits",
    ...["classID", "priorities"].map((name) => `network.${name}`),
    "rdma",
    "unified",
  ];
  assert.deepEqual(Object.keys(RESOURCE_CONVERSIONS).sort(), fields.sort());
});
