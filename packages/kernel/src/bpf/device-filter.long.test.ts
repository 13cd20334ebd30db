import assert from "node:assert/strict";
import { test } from "node:test";
import { OrlopError } from "@orlop/core";
import { DEFAULT_DEVICE_RULES } from "../cgroup/default-device-rules.ts";
import { type DeviceRequest, decideDeviceAccess, reduceDeviceRules } from "../cgroup/device-policy.ts";
import { everyDeviceRequest, randomDeviceRules } from "../cgroup/device-rules-fixture.ts";
import { disassembleBpf } from "./bpf-disassemble.ts";
import { interpretBpf } from "./bpf-interpreter.ts";
import { compileDeviceFilter } from "./device-filter.ts";

/** `struct bpf_cgroup_dev_ctx`. */
function deviceContext(request: DeviceRequest): Uint8Array {
  const context = new Uint8Array(12);
  const view = new DataView(context.buffer);
  view.setUint32(0, (request.access << 16) | (request.type === "b" ? 1 : 2), true);
  view.setUint32(4, request.major, true);
  view.setUint32(8, request.minor, true);
  return context;
}

test("the compiled filter decides every access as the rules do", () => {
  const requests = everyDeviceRequest();
  for (let seed = 1; seed <= 300; seed++) {
    const rules = randomDeviceRules(seed);
    const policy = reduceDeviceRules(rules);
    const program = compileDeviceFilter(rules);
    for (const request of requests) {
      const expected = decideDeviceAccess(policy, request) ? 1n : 0n;
      assert.equal(interpretBpf(program, deviceContext(request)), expected, `seed ${seed}: ${JSON.stringify(request)}`);
    }
  }
});

test("denies reading and writing together where only writing is denied", () => {
  const program = compileDeviceFilter([
    { allow: true, access: "rwm" },
    { allow: false, type: "b", major: 8, minor: 0, access: "w" },
  ]);
  const ask = (access: number) => interpretBpf(program, deviceContext({ type: "b", major: 8, minor: 0, access }));
  assert.equal(ask(2), 1n);
  assert.equal(ask(6), 0n);
});

test("compares a number with bit 31 set without sign extension", () => {
  const program = compileDeviceFilter([{ allow: true, type: "c", major: 0xffff_fff0, access: "rwm" }]);
  assert.equal(interpretBpf(program, deviceContext({ type: "c", major: 0xffff_fff0, minor: 0, access: 2 })), 1n);
});

test("a filter that denies everything is eight instructions", () => {
  assert.deepEqual(disassembleBpf(compileDeviceFilter([])), [
    "r2 = *(u32 *)(r1 +0)",
    "w3 = w2",
    "w2 &= 65535",
    "w3 >>= 16",
    "r4 = *(u32 *)(r1 +4)",
    "r5 = *(u32 *)(r1 +8)",
    "w0 = 0",
    "exit",
  ]);
});

test("the default rules compile to one short block each", () => {
  const lines = disassembleBpf(compileDeviceFilter([{ allow: false, access: "rwm" }, ...DEFAULT_DEVICE_RULES]));
  assert.deepEqual(lines.slice(6, 10), [
    "if w2 != 2 goto +4",
    "if w4 != 10 goto +3",
    "if w5 != 200 goto +2",
    "w3 &= 1",
  ]);
  assert.deepEqual(lines.slice(-10), [
    "if w2 != 1 goto +2",
    "w3 &= 6",
    "if w3 == 0 goto +5",
    "if w2 != 2 goto +2",
    "w3 &= 6",
    "if w3 == 0 goto +2",
    "w0 = 0",
    "exit",
    "w0 = 1",
    "exit",
  ]);
});

test("more rules than a jump can span are refused by the name of the limit", () => {
  const rules = Array.from({ length: 5000 }, (_, minor) => ({
    allow: true,
    type: "c" as const,
    major: 1,
    minor,
    access: "r",
  }));
  assert.throws(
    () => compileDeviceFilter(rules),
    (error) => error instanceof OrlopError && error.code === "exhausted" && /the limit is 4096/.test(error.message),
  );
});
