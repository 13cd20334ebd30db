import { existsSync } from "node:fs";
import { isSystemdRunning } from "@orlop/kernel";
import { servicesSuite } from "./services-suite-fixture.ts";

const uid = process.getuid?.() ?? 0;
// Of the one that tests have for themselves systemd knows nothing.
const home = `/run/user/${uid}`;

servicesSuite("services of unit files, of an ordinary user,", {
  flags: ["--user"],
  directory: `${home}/systemd/user`,
  env: { XDG_RUNTIME_DIR: home },
  obstacle: obstacle(),
});

function obstacle(): string | undefined {
  if (uid === 0) return "needs an ordinary user";
  if (!isSystemdRunning()) return "needs systemd as process 1 (npm run test:v2)";
  return existsSync(`${home}/systemd/private`)
    ? undefined
    : "needs a systemd of the user's own (loginctl enable-linger)";
}
