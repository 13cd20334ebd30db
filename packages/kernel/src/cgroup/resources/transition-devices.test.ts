import assert from "node:assert/strict";
import { test } from "node:test";
import { type LinuxDeviceCgroup, OrlopError } from "@orlop/core";
import { type DeviceRequest, decideDeviceAccess, reduceDeviceRules } from "../device-policy.ts";
import { DEVICE_ACCESS, type DevicePolicy } from "../device-rule.ts";
import { everyDeviceRequest, randomDeviceRules } from "../device-rules-fixture.ts";
import { type DeviceLine, transitionDevices } from "./transition-devices.ts";

/** The device controller as security/device_cgroup.c of the kernel has it: a default and exceptions from it. */
class DeviceController {
  allowsByDefault = true;
  exceptions = new Map<string, number>();

  write({ file, line }: DeviceLine): void {
    const allow = file === "devices.allow";
    if (line === "a") {
      this.allowsByDefault = allow;
      this.exceptions.clear();
      return;
    }
    const at = line.lastIndexOf(" ");
    const [devices, letters] = [line.slice(0, at), line.slice(at + 1)];
    const bits = [...letters].reduce((sum, letter) => sum | DEVICE_ACCESS[letter as "r"], 0);
    const old = this.exceptions.get(devices) ?? 0;
    // A write that goes back to the default only touches the exception with the very same devices.
    const now = allow === this.allowsByDefault ? old & ~bits : old | bits;
    if (now === 0) this.exceptions.delete(devices);
    else this.exceptions.set(devices, now);
  }

  list(): string {
    if (this.allowsByDefault) return "a *:* rwm\n";
    const letters = (bits: number) => `${bits & 2 ? "r" : ""}${bits & 4 ? "w" : ""}${bits & 1 ? "m" : ""}`;
    return [...this.exceptions].map(([devices, bits]) => `${devices} ${letters(bits)}\n`).join("");
  }

  allows(request: DeviceRequest): boolean {
    const matching = [...this.exceptions].filter(([devices]) => {
      const [type, numbers] = devices.split(" ");
      const [major, minor] = (numbers ?? "").split(":");
      const meets = (pattern: string | undefined, number: number) => pattern === "*" || Number(pattern) === number;
      return type === request.type && meets(major, request.major) && meets(minor, request.minor);
    });
    if (this.allowsByDefault) return !matching.some(([, bits]) => (bits & request.access) !== 0);
    return matching.some(([, bits]) => (request.access & ~bits) === 0);
  }
}

function agree(controller: DeviceController, policy: DevicePolicy, message: string): void {
  for (const request of everyDeviceRequest()) {
    const expected = decideDeviceAccess(policy, request);
    assert.equal(controller.allows(request), expected, `${message}: ${JSON.stringify(request)}`);
  }
}

function linesOrHole(present: string | undefined, policy: DevicePolicy): DeviceLine[] | undefined {
  try {
    return transitionDevices(present, policy);
  } catch (error) {
    assert(error instanceof OrlopError && error.code === "unsupported");
    assert(policy.rules.some((rule) => rule.allow === policy.defaultAllow));
    return undefined;
  }
}

test("a new cgroup ends up deciding every access as the rules do", () => {
  let representable = 0;
  for (let seed = 1; seed <= 400; seed++) {
    const policy = reduceDeviceRules(randomDeviceRules(seed));
    const lines = linesOrHole(undefined, policy);
    if (lines === undefined) continue;
    representable++;
    const controller = new DeviceController();
    for (const line of lines) controller.write(line);
    agree(controller, policy, `seed ${seed}`);
  }
  assert(representable > 150, `only ${representable} random lists could be tried`);
});

test("an update decides every access as the new rules do, and never denies what both lists allow", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const [old, wanted] = [seed, seed + 10_000].map((each) => reduceDeviceRules(randomDeviceRules(each)));
    assert(old !== undefined && wanted !== undefined);
    const first = linesOrHole(undefined, old);
    if (first === undefined || old.defaultAllow || wanted.defaultAllow) continue;
    const controller = new DeviceController();
    for (const line of first) controller.write(line);
    const second = linesOrHole(controller.list(), wanted);
    for (const line of second ?? []) {
      controller.write(line);
      for (const request of everyDeviceRequest()) {
        if (!decideDeviceAccess(old, request) || !decideDeviceAccess(wanted, request)) continue;
        assert(controller.allows(request), `seed ${seed}, after ${line.line}: ${JSON.stringify(request)}`);
      }
    }
    if (second !== undefined) agree(controller, wanted, `seed ${seed}`);
  }
});

test("an update that changes nothing writes nothing", () => {
  const policy = reduceDeviceRules([{ allow: true, type: "c", major: 1, minor: 3, access: "rwm" }]);
  assert.deepEqual(transitionDevices("c 1:3 rwm\n", policy), []);
});

test("an update takes away what is not in the list any more and adds what is new", () => {
  const policy = reduceDeviceRules([
    { allow: true, type: "c", major: 1, minor: 3, access: "rw" },
    { allow: true, type: "b", major: 8, access: "r" },
  ]);
  const lines = transitionDevices("c 1:3 rwm\nc 5:0 rwm\n", policy).map(({ file, line }) => `${file} ${line}`);
  assert.deepEqual(lines, ["devices.allow b 8:* r", "devices.deny c 1:3 m", "devices.deny c 5:0 rwm"]);
});

test("a hole in a wildcard is refused by the rule's name, for version 1 would ignore it", () => {
  const rules: LinuxDeviceCgroup[] = [
    { allow: true, type: "c", major: 1, access: "rwm" },
    { allow: false, type: "c", major: 1, minor: 3, access: "w" },
  ];
  assert.throws(
    () => transitionDevices(undefined, reduceDeviceRules(rules)),
    (error) =>
      error instanceof OrlopError && error.code === "unsupported" && error.field === "linux.resources.devices[1]",
  );
});

test("another form of devices.list is refused", () => {
  assert.throws(() => transitionDevices("x 1:2 r\n", reduceDeviceRules([])), /has another form/);
});
