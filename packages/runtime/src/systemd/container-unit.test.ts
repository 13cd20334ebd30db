import assert from "node:assert/strict";
import { test } from "node:test";
import type { LinuxResources } from "@orlop/core";
import type { CgroupLayout } from "@orlop/kernel";
import { FIXED_HOST } from "../process/plan-fixture.ts";
import { type PlannedUnit, planContainerUnit } from "./container-unit.ts";

interface Case {
  readonly name?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly resources?: LinuxResources;
  readonly rootless?: boolean;
  readonly mode?: CgroupLayout["mode"];
}

function plan({ name = "web", annotations = {}, resources = {}, rootless = false, mode = "v2" }: Case): PlannedUnit {
  return planContainerUnit(
    { kind: "systemd", scope: { slice: "a.slice", prefix: "p", name } },
    { id: "web", annotations, resources },
    { mode, v1: [], v2: undefined },
    { version: 252, controlGroup: "/" },
    { ...FIXED_HOST, rootless },
  );
}

function names({ properties }: PlannedUnit): readonly string[] {
  return properties.map(({ name }) => name);
}

test("systemd is told of the devices that every container has, and a user's of none", () => {
  const unit = plan({});
  assert.deepEqual([unit.name, unit.ofUser], ["p-web.scope", false]);
  assert(names(unit).includes("DeviceAllow"));
  const ofUser = plan({ rootless: true });
  assert.equal(ofUser.ofUser, true);
  assert(!names(ofUser).includes("DeviceAllow"));
});

test("limits are those of the version of cgroups that systemd works with", () => {
  const resources = { memory: { limit: 4096n } };
  assert(names(plan({ resources })).includes("MemoryMax"));
  assert(names(plan({ resources, mode: "hybrid" })).includes("MemoryLimit"));
});

test("a slice, which has no processes, and an annotation that is no property are refused by name", () => {
  assert.throws(() => plan({ name: "a-b.slice" }), {
    code: "unsupported",
    field: "linux.cgroupsPath",
    message: /"a-b\.slice"/,
  });
  const annotations = { "org.systemd.property.TimeoutStopSec": "[" };
  assert.throws(() => plan({ annotations }), { code: "invalid", message: /org\.systemd\.property\.TimeoutStopSec/ });
});
