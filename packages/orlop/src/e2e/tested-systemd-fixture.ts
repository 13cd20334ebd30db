import { existsSync } from "node:fs";
import { isSystemdRunning } from "@orlop/kernel";
import type { TestedSystemd } from "./systemd-calls-fixture.ts";

const NO_SYSTEMD = "needs systemd as process 1 (npm run test:v2)";

/** That of the machine, for root. */
export function machineSystemd(): TestedSystemd {
  const obstacle = process.getuid?.() === 0 ? undefined : "needs root";
  return {
    flags: [],
    directory: "/run/systemd/system",
    env: {},
    obstacle: obstacle ?? (isSystemdRunning() ? undefined : NO_SYSTEMD),
  };
}

/** That of the user who runs a test, who has not logged in. */
export function userSystemd(): TestedSystemd {
  const uid = process.getuid?.() ?? 0;
  // Of the one that tests have for themselves systemd knows nothing.
  const home = `/run/user/${uid}`;
  return {
    flags: ["--user"],
    directory: `${home}/systemd/user`,
    env: { XDG_RUNTIME_DIR: home },
    obstacle: obstacleOf(uid, home),
  };
}

function obstacleOf(uid: number, home: string): string | undefined {
  if (uid === 0) return "needs an ordinary user";
  if (!isSystemdRunning()) return NO_SYSTEMD;
  if (!existsSync("/sys/fs/cgroup/cgroup.controllers")) return "needs version 2 of cgroups alone";
  return existsSync(`${home}/systemd/private`)
    ? undefined
    : "needs a systemd of the user's own (loginctl enable-linger)";
}
