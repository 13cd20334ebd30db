import assert from "node:assert/strict";
import { test } from "node:test";
import { type LinuxResources, OrlopError } from "@orlop/core";
import { encodeDBusValues } from "../../dbus/dbus-encode.ts";
import { annotationProperties } from "./annotation-properties.ts";
import { planSystemdUnit } from "./plan-systemd-unit.ts";
import { type ResourcePropertyOptions, resourceProperties } from "./resource-properties.ts";
import type { SystemdProperty } from "./systemd-property.ts";

const V2: ResourcePropertyOptions = { cgroupVersion: 2, systemdVersion: 252 };
const V1: ResourcePropertyOptions = { cgroupVersion: 1, systemdVersion: 252 };
const INFINITY = 18_446_744_073_709_551_615n;

/** `[name, signature, value]`, and each is one that D-Bus can carry. */
function show(properties: readonly SystemdProperty[]): unknown[] {
  return properties.map(({ name, value }) => {
    encodeDBusValues("(sv)", [[name, value]]);
    return [name, value.signature, value.value];
  });
}

function shown(resources: LinuxResources, options: ResourcePropertyOptions = V2): unknown[] {
  return show(resourceProperties(resources, options));
}

test("memory, with swap counted alone in version 2", () => {
  assert.deepEqual(shown({ memory: { limit: 4096, swap: 8192, reservation: 1024 } }), [
    ["MemoryMax", "t", 4096n],
    ["MemoryLow", "t", 1024n],
    ["MemorySwapMax", "t", 4096n],
  ]);
  assert.deepEqual(shown({ memory: { limit: -1 } }), [
    ["MemoryMax", "t", INFINITY],
    ["MemorySwapMax", "t", INFINITY],
  ]);
  assert.deepEqual(shown({ memory: { limit: 4096, swap: 8192, reservation: 1 } }, V1), [["MemoryLimit", "t", 4096n]]);
});

test("CPU weight, or idleness where systemd knows it", () => {
  assert.deepEqual(shown({ cpu: { shares: 1024 } }), [["CPUWeight", "t", 100n]]);
  assert.deepEqual(shown({ cpu: { shares: 1024, idle: 1 } }), [["CPUWeight", "t", 0n]]);
  assert.deepEqual(shown({ cpu: { shares: 1024, idle: 1 } }, { ...V2, systemdVersion: 251 }), []);
  assert.deepEqual(shown({ cpu: { shares: 1024 } }, V1), [["CPUShares", "t", 1024n]]);
});

test("quotas are rounded up to a per cent of a CPU", () => {
  assert.deepEqual(shown({ cpu: { quota: 50_000, period: 100_000 } }), [
    ["CPUQuotaPeriodUSec", "t", 100_000n],
    ["CPUQuotaPerSecUSec", "t", 500_000n],
  ]);
  assert.deepEqual(shown({ cpu: { quota: 12_345 } }), [["CPUQuotaPerSecUSec", "t", 130_000n]]);
  assert.deepEqual(shown({ cpu: { quota: -1 } }), [["CPUQuotaPerSecUSec", "t", INFINITY]]);
  assert.deepEqual(shown({ cpu: { quota: 1000, period: 1000 } }, { ...V2, systemdVersion: 241 }), [
    ["CPUQuotaPerSecUSec", "t", 1_000_000n],
  ]);
});

test("CPU lists become masks, lowest number first", () => {
  assert.deepEqual(shown({ cpu: { cpus: "0-2,8", mems: "1" } }), [
    ["AllowedCPUs", "ay", Uint8Array.of(0b111, 1)],
    ["AllowedMemoryNodes", "ay", Uint8Array.of(0b10)],
  ]);
  assert.deepEqual(shown({ cpu: { cpus: "0-7:2/4" } }), [["AllowedCPUs", "ay", Uint8Array.of(0b0011_0011)]]);
  assert.deepEqual(shown({ cpu: { cpus: "0" } }, { ...V2, systemdVersion: 243 }), []);
  for (const cpus of ["3-1", "99999", "x"]) assert.throws(() => shown({ cpu: { cpus } }), /is no range/);
});

test("tasks and I/O", () => {
  assert.deepEqual(shown({ pids: { limit: 5 } }), [["TasksMax", "t", 5n]]);
  assert.deepEqual(shown({ pids: { limit: 0 } }), [["TasksMax", "t", 1n]]);
  assert.deepEqual(shown({ pids: { limit: -1 } }), [["TasksMax", "t", INFINITY]]);
  const blockIO = {
    weight: 500,
    weightDevice: [{ major: 8, minor: 0, weight: 1000 }],
    throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1024 }],
    throttleWriteIOPSDevice: [{ major: 8, minor: 16, rate: 0 }],
  };
  assert.deepEqual(shown({ blockIO }), [
    ["IOWeight", "t", 4950n],
    ["IODeviceWeight", "a(st)", [["/dev/block/8:0", 10_000n]]],
    ["IOReadBandwidthMax", "a(st)", [["/dev/block/8:0", 1024n]]],
    ["IOWriteIOPSMax", "a(st)", [["/dev/block/8:16", INFINITY]]],
  ]);
  assert.deepEqual(shown({ blockIO }, V1), [["BlockIOWeight", "t", 500n]]);
});

test("allowed devices are named by path, major number or kind", () => {
  const devices: LinuxResources["devices"] = [
    { allow: false, access: "rwm" },
    { allow: true, type: "b", major: 8, access: "r" },
  ];
  const [reset, policy, list] = shown({ devices }) as [unknown, unknown, [string, string, string[][]]];
  assert.deepEqual(
    [reset, policy],
    [
      ["DeviceAllow", "a(ss)", []],
      ["DevicePolicy", "s", "strict"],
    ],
  );
  assert.deepEqual(list[2].slice(0, 4), [
    ["block-8", "r"],
    ["char-*", "m"],
    ["block-*", "m"],
    ["/dev/char/1:3", "rw"],
  ]);
});

test("a device list that systemd cannot express is left to our filter in version 2, and never widened in version 1", () => {
  const auto = [
    ["DeviceAllow", "a(ss)", []],
    ["DevicePolicy", "s", "auto"],
  ];
  const allButOne: LinuxResources = {
    devices: [
      { allow: true, access: "rwm" },
      { allow: false, type: "b", major: 8, minor: 0, access: "w" },
    ],
  };
  assert.deepEqual(shown(allButOne), auto);
  assert.deepEqual(shown(allButOne, V1), [auto[0], ["DevicePolicy", "s", "strict"], ["DeviceAllow", "a(ss)", []]]);
  assert.deepEqual(shown({ devices: [{ allow: true, access: "rwm" }] }, V1), auto);
  const anyMajor: LinuxResources = { devices: [{ allow: true, type: "c", minor: 7, access: "r" }] };
  assert.deepEqual(shown(anyMajor), auto);
  assert.equal((shown(anyMajor, V1)[1] as string[])[2], "strict");
});

test("unified keys that systemd has properties for", () => {
  const unified = {
    "memory.high": "4096",
    "memory.swap.max": "max",
    "cpu.max": "50000 100000",
    "cpu.weight": " 50 ",
    "cpuset.cpus": "0",
    "pids.max": "9",
    "io.max": "8:0 rbps=1",
  };
  assert.deepEqual(shown({ unified }), [
    ["MemoryHigh", "t", 4096n],
    ["MemorySwapMax", "t", INFINITY],
    ["CPUQuotaPeriodUSec", "t", 100_000n],
    ["CPUQuotaPerSecUSec", "t", 500_000n],
    ["CPUWeight", "t", 50n],
    ["AllowedCPUs", "ay", Uint8Array.of(1)],
    ["TasksMax", "t", 9n],
  ]);
  assert.deepEqual(shown({ unified: { "cpu.idle": "1", "cpu.weight": "50" } }), [["CPUWeight", "t", 0n]]);
  assert.throws(
    () => shown({ unified: { "pids.max": "many" } }),
    (error) => error instanceof OrlopError && error.field === "linux.resources.unified.pids.max",
  );
});

test("a scope is delegated and is not part of the shutdown order", () => {
  const options = { ...V2, systemdVersion: 253, containerId: "web", annotations: {} };
  const scope = { slice: "a.slice", prefix: "p", name: "web" };
  const unit = planSystemdUnit(scope, { unified: { "memory.oom.group": "1" } }, options);
  assert.equal(unit.name, "p-web.scope");
  assert.deepEqual(show(unit.properties), [
    ["Description", "s", "orlop container web"],
    ["Slice", "s", "a.slice"],
    ["Delegate", "b", true],
    ["MemoryAccounting", "b", true],
    ["CPUAccounting", "b", true],
    ["IOAccounting", "b", true],
    ["TasksAccounting", "b", true],
    ["DefaultDependencies", "b", false],
    ["OOMPolicy", "s", "kill"],
  ]);
  const slice = planSystemdUnit({ slice: "a.slice", prefix: "", name: "a-b.slice" }, {}, { ...options, ...V1 });
  assert.equal(slice.name, "a-b.slice");
  assert.deepEqual(show(slice.properties).slice(1, 4), [
    ["Wants", "as", ["a.slice"]],
    ["MemoryAccounting", "b", true],
    ["CPUAccounting", "b", true],
  ]);
});

test("annotations become properties, seconds become microseconds", () => {
  const annotations = {
    "org.systemd.property.CollectMode": "'inactive-or-failed'",
    "org.systemd.property.TimeoutStopSec": "uint64 90",
    "org.systemd.property.RuntimeMaxSec": "1.5",
    "org.systemd.property.TimeoutStopUSec": "uint64 7",
    "org.systemd.property.After": "['a.service', \"b.service\"]",
    "org.systemd.property.SendSIGHUP": "true",
    "com.example.other": "ignored",
  };
  assert.deepEqual(show(annotationProperties(annotations)), [
    ["CollectMode", "s", "inactive-or-failed"],
    ["TimeoutStopUSec", "t", 90_000_000n],
    ["RuntimeMaxUSec", "t", 1_500_000n],
    ["TimeoutStopUSec", "t", 7n],
    ["After", "as", ["a.service", "b.service"]],
    ["SendSIGHUP", "b", true],
  ]);
});

for (const [name, value] of [
  ["Ab", "true"],
  ["Bad-Name", "true"],
  ["TimeoutStopSec", "'soon'"],
  ["TimeoutStopSec", "-1"],
  ["CollectMode", "unquoted"],
  ["CollectMode", ""],
] as const) {
  test(`refuses the annotation ${name}=${value}`, () => {
    assert.throws(
      () => annotationProperties({ [`org.systemd.property.${name}`]: value }),
      (error) => error instanceof OrlopError && error.field === `annotations.org.systemd.property.${name}`,
    );
  });
}
