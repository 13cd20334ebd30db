import assert from "node:assert/strict";
import { mkdirSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { asSystemFailure, systemFailure } from "./system-failure.ts";

test("a full quota, which Node has no name for, is told as one", () => {
  const cause = Object.assign(new Error("UNKNOWN: unknown error, write"), { code: "UNKNOWN", errno: -122 });
  const { code, errno, message } = systemFailure("write file", cause);
  assert.deepEqual({ code, errno }, { code: "exhausted", errno: "EDQUOT" });
  assert.match(message, /^Cannot write file: .*quota/);
});

test("a call that nobody has put into words is told by what it was to do, and to what", () => {
  const failure = (call: () => void): string | undefined => {
    try {
      call();
    } catch (error) {
      return asSystemFailure(error)?.message;
    }
    return undefined;
  };
  assert.equal(
    failure(() => readdirSync("/none")),
    'Cannot list directory "/none": no such file or directory',
  );
  assert.equal(
    failure(() => mkdirSync("/proc/self/status")),
    'Cannot make directory "/proc/self/status": file exists',
  );
});
