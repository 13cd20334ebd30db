import assert from "node:assert/strict";
import { test } from "node:test";
import { warnOfDeviceAccess } from "./device-access.ts";

test("warns of letters that stand for no access", () => {
  const heard: string[] = [];
  const devices = [
    { allow: false, access: "rwm" },
    { allow: false, access: "rwa" },
  ];
  warnOfDeviceAccess({ devices }, (text) => heard.push(text));
  assert.deepEqual(heard, ['Cannot deny device access "a": access is made of r, w and m; of "rwa" the rest counts']);
});
