import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeRuntimeSpec } from "./decode-runtime-spec.ts";
import { assertRefused } from "./fixtures/assert-refused.ts";
import { EXAMPLE_CONFIG } from "./fixtures/example-config.ts";
import { jsonWith } from "./fixtures/json-with.ts";

test("refuses namespaces of no known type, twice, or at no absolute path", () => {
  refused(
    { "linux/namespaces/0/type": "mnt" },
    '"linux.namespaces[0].type": found "mnt", expected one of pid, network',
  );
  refused({ "linux/namespaces/2/type": "pid" }, '"linux.namespaces[2].type": "pid" is already in linux.namespaces[0]');
  refused({ "linux/namespaces/1/path": "ns" }, '"linux.namespaces[1].path": found "ns", expected an absolute path');
});

test("takes an empty path of a namespace for none", () => {
  const { linux } = decodeRuntimeSpec(jsonWith(EXAMPLE_CONFIG, { "linux/namespaces/1/path": "" }));
  assert.deepEqual(linux?.namespaces?.[1], { type: "network" });
});

test("refuses id mappings that the kernel answers with EINVAL", () => {
  refused({ "linux/uidMappings/0/size": 0 }, '"linux.uidMappings[0].size": found 0, expected an integer from 1');
  refused({ "linux/uidMappings/0/hostID": undefined }, '"linux.uidMappings[0].hostID": the member is required');
  refused({ "linux/uidMappings/0/size": 4294867296 }, "found 4294867296, which ends beyond the last hostID");
  refused(
    { "linux/gidMappings/1/containerID": 0 },
    '"linux.gidMappings[1].containerID": the range overlaps with that of linux.gidMappings[0]',
  );
  refused({ "linux/gidMappings/0/hostID": 165535 }, '"linux.gidMappings[0].hostID": the range overlaps with that of');
  decodeRuntimeSpec(jsonWith(EXAMPLE_CONFIG, { "linux/gidMappings/0/hostID": 165536 }));
  const all = [{ containerID: 0, hostID: 0, size: 4294967295 }];
  decodeRuntimeSpec(jsonWith(EXAMPLE_CONFIG, { "linux/uidMappings": all }));
  const many = Array.from({ length: 341 }, (_, index) => ({ containerID: index, hostID: index, size: 1 }));
  refused({ "linux/uidMappings": many }, '"linux.uidMappings": found 341 mappings, the kernel takes 340');
  refused({ "mounts/7/uidMappings/0/size": 0 }, '"mounts[7].uidMappings[0].size": found 0');
});

test("refuses device nodes that cannot be", () => {
  refused({ "linux/devices/0/type": "d" }, '"linux.devices[0].type": found "d", expected one of b, c, u, p');
  refused({ "linux/devices/0/type": "a" }, '"linux.devices[0].type": found "a"');
  refused({ "linux/devices/0/path": "dev/fuse" }, '"linux.devices[0].path": found "dev/fuse", expected an absolute');
  refused({ "linux/devices/1/type": "c" }, '"linux.devices[1].major": the member is required for type c, and missing');
  refused({ "linux/devices/0/minor": undefined }, '"linux.devices[0].minor": the member is required for type c');
  refused(
    { "linux/devices/0/major": 4096 },
    '"linux.devices[0].major": found 4096, expected an integer from 0 to 4095',
  );
});

test("refuses relative masked and read-only paths", () => {
  refused({ "linux/maskedPaths/1": "proc/kcore" }, '"linux.maskedPaths[1]": found "proc/kcore", expected an absolute');
  refused({ "linux/readonlyPaths/0": "" }, '"linux.readonlyPaths[0]": found "", expected an absolute path');
});

test("refuses network devices by names that no interface has", () => {
  for (const name of ["", ".", "..", "a/b", "a:b", "a b", "sixteen-letters-", "ä".repeat(8)]) {
    refused({ "linux/netDevices": { [name]: {} } }, `found "${name}", expected an interface name`);
    refused({ "linux/netDevices/eth7/name": name }, `found "${name}", expected an interface name`);
  }
});

test("refuses resctrl names and lines that would say more than one thing", () => {
  for (const name of [".", "..", "a/b", "/a", ""])
    refused({ "linux/intelRdt/closID": name }, '"linux.intelRdt.closID"');
  decodeRuntimeSpec(jsonWith(EXAMPLE_CONFIG, { "linux/intelRdt/closID": "/" }));
  refused({ "linux/intelRdt/schemata/0": "L2:0=f\nMB:0=1" }, '"linux.intelRdt.schemata[0]"');
  refused({ "linux/intelRdt/l3CacheSchema": "L3:0=f\n" }, "expected a single line");
  refused({ "linux/intelRdt/memBwSchema": "L3:0=f" }, 'expected a line that begins with "MB:"');
});

test("refuses memory policies with nodes that do not fit the mode", () => {
  refused({ "linux/memoryPolicy/nodes": "" }, '"linux.memoryPolicy.nodes": MPOL_BIND needs at least one node');
  refused({ "linux/memoryPolicy/nodes": undefined }, "MPOL_BIND needs at least one node");
  refused({ "linux/memoryPolicy/mode": "MPOL_LOCAL" }, 'found "0-1": MPOL_LOCAL mode requires 0 nodes but got 2');
  refused({ "linux/memoryPolicy/mode": "BIND" }, '"linux.memoryPolicy.mode": found "BIND", expected one of');
  decodeRuntimeSpec(jsonWith(EXAMPLE_CONFIG, { "linux/memoryPolicy": { mode: "MPOL_PREFERRED" } }));
});

test("refuses values outside of the closed sets", () => {
  refused({ "linux/rootfsPropagation": "rbind" }, '"linux.rootfsPropagation": found "rbind", expected one of shared');
  refused({ "linux/personality/domain": "LINUX64" }, '"linux.personality.domain": found "LINUX64", expected one of');
  refused({ "linux/personality/flags/0": "X" }, '"linux.personality.flags": found a list of 1, expected an empty list');
  refused({ "linux/timeOffsets/realtime": {} }, '"linux.timeOffsets.realtime": found "realtime", expected one of');
  refused({ "linux/timeOffsets/monotonic/nanosecs": 1000000000 }, "expected an integer from 0 to 999999999");
});

test("refuses a cgroup path that climbs", () => {
  for (const path of ["/a/../../b", "..", "../a"]) {
    refused({ "linux/cgroupsPath": path }, `"linux.cgroupsPath": found "${path}", expected a path without ".."`);
  }
  const { linux } = decodeRuntimeSpec(jsonWith(EXAMPLE_CONFIG, { "linux/cgroupsPath": "machine.slice:orlop:a..b" }));
  assert.equal(linux?.cgroupsPath, "machine.slice:orlop:a..b");
});

function refused(changes: Readonly<Record<string, unknown>>, expected: string): void {
  assertRefused(decodeRuntimeSpec, EXAMPLE_CONFIG, changes, expected);
}
