import assert from "node:assert/strict";
import { test } from "node:test";
import { connectSystemd } from "./connect-systemd.ts";

test("says where it looked for a user's systemd, and what to do where there is none", async () => {
  const env = { XDG_RUNTIME_DIR: "/nonexistent", DBUS_SESSION_BUS_ADDRESS: "unix:path=/nonexistent/bus" };
  await assert.rejects(connectSystemd(true, env), {
    code: "unsupported",
    message: /^Cannot use cgroup manager "systemd": .*unix:path=\/nonexistent\/bus.*\nTry /s,
  });
});
