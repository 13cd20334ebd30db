import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeLinuxResources } from "./decode-resources.ts";
import { assertRefused } from "./fixtures/assert-refused.ts";
import { EXAMPLE_CONFIG } from "./fixtures/example-config.ts";
import { jsonWith } from "./fixtures/json-with.ts";
import { parseJson, stringifyJson } from "./json-text.ts";

const EXAMPLE = stringifyJson((parseJson(EXAMPLE_CONFIG) as { linux: { resources: unknown } }).linux.resources);

test("decodes resources for update", () => {
  assert.deepEqual(decodeLinuxResources(EXAMPLE), parseJson(EXAMPLE));
  assert.deepEqual(decodeLinuxResources("{}"), {});
});

test("refuses devices that cannot be", () => {
  refused({ "devices/0/allow": undefined }, 'Cannot decode OCI resources "devices[0].allow": the member is required');
  refused({ "devices/1/type": "u" }, '"devices[1].type": found "u", expected one of a, b, c');
  refused({ "devices/1/major": 4096 }, '"devices[1].major": found 4096, expected an integer from -1 to 4095');
  refused({ "devices/1/minor": 1048576 }, '"devices[1].minor": found 1048576, expected an integer from -1 to 1048575');
  refused({ "devices/1/access": "r w" }, '"devices[1].access": found "r w", expected a composition of r, w and m');
});

test("takes members whose names differ in case only for those that are meant", () => {
  const { hugepageLimits } = decodeLinuxResources('{ "HugePageLimits": [{ "pagesize": "2MB", "LIMIT": 1 }] }');
  assert.deepEqual(hugepageLimits, [{ pageSize: "2MB", limit: 1 }]);
  const { cpu } = decodeLinuxResources('{ "cpu": { "shares": 2, "mems": "0" }, "CPU": { "Cpus": "0", "Shares": 3 } }');
  assert.deepEqual(cpu, { shares: 3, mems: "0", cpus: "0" });
});

test("refuses limits outside of their ranges", () => {
  refused({ "memory/limit": -2 }, '"memory.limit": found -2, expected an integer from -1 to 9223372036854775807');
  refused({ "memory/limit": 2n ** 63n }, '"memory.limit": found 9223372036854775808');
  refused({ "memory/limit": "1g" }, '"memory.limit": found "1g"');
  refused({ "memory/swappiness": 101 }, '"memory.swappiness": found 101, expected an integer from 0 to 100');
  refused({ "pids/limit": -2 }, '"pids.limit": found -2');
  refused({ "cpu/shares": -1 }, '"cpu.shares": found -1');
  refused({ "cpu/idle": 2 }, '"cpu.idle": found 2, expected an integer from 0 to 1');
  refused({ "cpu/burst": 50001 }, '"cpu.burst": found 50001, expected at most the quota, which is 50000');
  refused({ "blockIO/weight": 65536 }, '"blockIO.weight": found 65536, expected an integer from 0 to 65535');
  refused({ "blockIO/throttleReadBpsDevice/0/rate": undefined }, '"blockIO.throttleReadBpsDevice[0].rate"');
  decodeLinuxResources(jsonWith(EXAMPLE, { "cpu/quota": -1, "cpu/burst": 50001 }));
});

test("refuses devices without any limit", () => {
  const weights = { "blockIO/weightDevice/0/weight": undefined, "blockIO/weightDevice/0/leafWeight": undefined };
  refused(weights, '"blockIO.weightDevice[0]": at least one of weight and leafWeight is required');
  refused({ "rdma/mlx5_1": {} }, '"rdma.mlx5_1": at least one of hcaHandles and hcaObjects is required');
});

test("refuses names that would leave the cgroup's directory or line", () => {
  for (const pageSize of ["2mb", "64kB", "MB", "2M", "../2MB", "02MB", "2MB\n"]) {
    refused({ "hugepageLimits/0/pageSize": pageSize }, "expected a page size such as 2MB");
  }
  for (const name of ["../x.max", "io.max/x", "/io.max", "io", "..", ""]) {
    refused({ unified: { [name]: "1" } }, "expected a file name of cgroup v2");
  }
  refused({ rdma: { "a b": { hcaHandles: 1 } } }, '"rdma["a b"]": found "a b", expected a device name');
  refused({ "network/priorities/0/name": "e 0" }, '"network.priorities[0].name": found "e 0", expected an interface');
});

function refused(changes: Readonly<Record<string, unknown>>, expected: string): void {
  assertRefused(decodeLinuxResources, EXAMPLE, changes, expected);
}
