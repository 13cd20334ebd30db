import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { RLIM_INFINITY } from "@orlop/core";
import { runtimeSpecText } from "./bundle.ts";

suite("runtimeSpecText", () => {
  test("writes integers beyond a double with all of their digits", () => {
    const text = runtimeSpecText({
      ociVersion: "1.0.2",
      root: { path: "rootfs" },
      process: {
        user: { uid: 0, gid: 0 },
        args: ["true"],
        cwd: "/",
        rlimits: [{ type: "RLIMIT_CORE", soft: 1, hard: RLIM_INFINITY }],
      },
    });
    assert.match(text, /"hard": 18446744073709551615\n/);
    assert.match(text, /"soft": 1,/);
  });
});
