import assert from "node:assert/strict";
import { test } from "node:test";
import type { Capabilities } from "@orlop/core";
import { warnOfLostCapabilities } from "./container-planner.ts";

test("warns of capabilities that nobody knows, and of ambient ones that cannot be raised", () => {
  const warnings = (capabilities: Capabilities): readonly string[] => {
    const heard: string[] = [];
    const process = { user: { uid: 0, gid: 0 }, args: ["true"], cwd: "/", capabilities };
    warnOfLostCapabilities(process, (text) => heard.push(text));
    return heard;
  };
  const both = ["CAP_KILL", "CAP_CHOWN"];
  assert.deepEqual(warnings({ ambient: both, inheritable: both, permitted: both }), []);
  assert.deepEqual(warnings({ ambient: both, inheritable: ["CAP_KILL"], permitted: both }), [
    "can't raise ambient capability CAP_CHOWN: it is not both inheritable and permitted",
  ]);
  assert.deepEqual(warnings({ bounding: ["CAP_OTHER", "CAP_KILL"] }), [
    'Cannot give capability "CAP_OTHER": no such capability; it is left out',
  ]);
});
