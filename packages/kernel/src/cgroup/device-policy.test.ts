import assert from "node:assert/strict";
import { test } from "node:test";
import { type LinuxDeviceCgroup, OrlopError } from "@orlop/core";
import { DEFAULT_DEVICE_RULES } from "./default-device-rules.ts";
import { type DeviceRequest, decideDeviceAccess, reduceDeviceRules } from "./device-policy.ts";
import { expandDeviceRule, formatDeviceRule, unknownAccess } from "./device-rule.ts";
import { everyDeviceRequest, randomDeviceRules } from "./device-rules-fixture.ts";

function reduced(rules: readonly LinuxDeviceCgroup[]): string[] {
  const policy = reduceDeviceRules(rules);
  const lines = policy.rules.map((rule) => `${rule.allow ? "allow" : "deny"} ${formatDeviceRule(rule)}`);
  return [policy.defaultAllow ? "allow all" : "deny all", ...lines];
}

const DENY_ALL: LinuxDeviceCgroup = { allow: false, access: "rwm" };
const ALLOW_ALL: LinuxDeviceCgroup = { allow: true, access: "rwm" };

test("deny all followed by allowed devices reduces to those devices", () => {
  const rules: LinuxDeviceCgroup[] = [
    { allow: true, type: "c", major: 9, minor: 9, access: "r" },
    DENY_ALL,
    { allow: true, type: "c", major: 1, minor: 3, access: "r" },
    { allow: true, type: "c", major: 1, minor: 3, access: "w" },
  ];
  assert.deepEqual(reduced(rules), ["deny all", "allow c 1:3 rw"]);
});

test("the default rules vanish behind allow all, as for a privileged container", () => {
  assert.deepEqual(reduced([DENY_ALL, ALLOW_ALL, ...DEFAULT_DEVICE_RULES]), ["allow all"]);
});

test("no rule at all denies everything", () => {
  assert.deepEqual(reduced([]), ["deny all"]);
});

test("a hole in a wildcard stays in its place", () => {
  const rules: LinuxDeviceCgroup[] = [
    { allow: true, type: "c", major: 1, access: "rwm" },
    { allow: false, type: "c", major: 1, minor: 3, access: "w" },
  ];
  assert.deepEqual(reduced(rules), ["deny all", "allow c 1:* rwm", "deny c 1:3 w"]);
});

test("a rule keeps only the bits that no later rule decides", () => {
  const rules: LinuxDeviceCgroup[] = [
    { allow: true, type: "b", major: 8, minor: 0, access: "rwm" },
    { allow: false, type: "b", major: 8, access: "w" },
  ];
  assert.deepEqual(reduced(rules), ["deny all", "allow b 8:0 rm"]);
});

test("type a with a number is about that number only", () => {
  assert.deepEqual(reduced([{ allow: true, type: "a", major: 7, access: "r" }]), [
    "deny all",
    "allow b 7:* r",
    "allow c 7:* r",
  ]);
});

test("a rule without access is refused by name", () => {
  assert.throws(
    () => reduceDeviceRules([DENY_ALL, { allow: true, type: "c" }]),
    (error) =>
      error instanceof OrlopError && error.code === "invalid" && error.field === "linux.resources.devices[1].access",
  );
});

test("an unknown letter beside known ones stands for nothing", () => {
  const rule = { allow: false, type: "c", major: 1, minor: 11, access: "rwa" } as const;
  assert.deepEqual(reduced([ALLOW_ALL, rule]), reduced([ALLOW_ALL, { ...rule, access: "rw" }]));
  assert.equal(unknownAccess(rule), "a");
  assert.equal(unknownAccess({ allow: true, access: "mrw" }), "");
});

test("unknown letters alone and an impossible number are refused", () => {
  assert.throws(() => reduceDeviceRules([{ allow: true, access: "ax" }]), /needs at least one of r, w and m/);
  assert.throws(() => reduceDeviceRules([{ allow: true, access: "r", major: 2 ** 32 }]), /devices\[0\]\.major/);
});

test("a name of Object's prototype is no access", () => {
  assert.throws(() => reduceDeviceRules([{ allow: true, access: "valueOf" }]), OrlopError);
});

test("reduction never changes a decision", () => {
  const requests = everyDeviceRequest();
  for (let seed = 1; seed <= 400; seed++) {
    const rules = randomDeviceRules(seed);
    const policy = reduceDeviceRules(rules);
    for (const request of requests) {
      assert.equal(decideDeviceAccess(policy, request), decideInOrder(rules, request), describe(seed, rules, request));
    }
  }
});

/** The definition, without reduction: the last rule that matches decides each bit. */
function decideInOrder(rules: readonly LinuxDeviceCgroup[], request: DeviceRequest): boolean {
  const expanded = rules.flatMap((rule) => expandDeviceRule(rule, "rule"));
  return [1, 2, 4].every((bit) => {
    if ((request.access & bit) === 0) return true;
    const last = expanded.findLast(
      (rule) =>
        rule.type === request.type &&
        (rule.access & bit) !== 0 &&
        (rule.major ?? request.major) === request.major &&
        (rule.minor ?? request.minor) === request.minor,
    );
    return last?.allow ?? false;
  });
}

function describe(seed: number, rules: readonly LinuxDeviceCgroup[], request: DeviceRequest): string {
  return `seed ${seed}: ${JSON.stringify(rules)} asked ${JSON.stringify(request)}`;
}
