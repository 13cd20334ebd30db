import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultSpec } from "@orlop/core";
import { checkBindOptions, warnOfBindOptions } from "./bind-options.ts";
import { plannedMounts } from "./mount-sources.ts";
import { fixedPlan } from "./plan-fixture.ts";

test("warns of a memory's options on a bind, and refuses what is no option at all", () => {
  const bind = (destination: string, ...options: readonly string[]) => ({
    destination,
    source: "/var",
    options: ["bind", ...options],
  });
  const memory = { destination: "/memory", type: "tmpfs", options: ["mode=700"] };
  const mounts = [memory, bind("/plain", "ro"), bind("/left", "mode=755", "size=1m"), bind("/other", "nosuidd")];
  const plan = fixedPlan({ ...defaultSpec(), mounts });
  const heard: string[] = [];
  warnOfBindOptions(fixedPlan({ ...defaultSpec(), mounts }), (text) => heard.push(text));
  assert.deepEqual(heard, [
    'Cannot give "/left" the options mode=755, size=1m: it is a bind, which has none; they are left out',
  ]);
  const [, plain, left, other] = plannedMounts({ plan });
  assert.ok(plain !== undefined && left !== undefined && other !== undefined);
  checkBindOptions(plan, plain);
  checkBindOptions(plan, left);
  assert.throws(() => checkBindOptions(plan, other), {
    message: 'Cannot bind "/var": a bind has no option "nosuidd"',
    field: "mounts[3].options",
  });
});
