import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDeviceRule } from "./device-rule.ts";

test("a rule of the device cgroup is docker's", () => {
  assert.deepEqual(parseDeviceRule("c 13:* rwm"), { allow: true, type: "c", major: 13, minor: -1, access: "rwm" });
  assert.deepEqual(parseDeviceRule("a *:* r"), { allow: true, type: "a", major: -1, minor: -1, access: "r" });
  for (const text of ["", "c 1:1", "x 1:1 r", "c 1 r", "c 1:1 x", "c 1:1 rwmr", "c 99999999999:1 r", " c 1:1 r"]) {
    assert.throws(() => parseDeviceRule(text), { message: `invalid device cgroup format '${text}'` });
  }
});
