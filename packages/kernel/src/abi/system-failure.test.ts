import assert from "node:assert/strict";
import { test } from "node:test";
import { systemFailure } from "./system-failure.ts";

test("a full quota, which Node has no name for, is told as one", () => {
  const cause = Object.assign(new Error("UNKNOWN: unknown error, write"), { code: "UNKNOWN", errno: -122 });
  const { code, errno, message } = systemFailure("write file", cause);
  assert.deepEqual({ code, errno }, { code: "exhausted", errno: "EDQUOT" });
  assert.match(message, /^Cannot write file: .*quota/);
});
