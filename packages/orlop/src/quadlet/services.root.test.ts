import { isSystemdRunning } from "@orlop/kernel";
import { servicesSuite } from "./services-suite-fixture.ts";

servicesSuite("services of unit files, as root,", {
  flags: [],
  directory: "/run/systemd/system",
  env: {},
  obstacle: isSystemdRunning() ? undefined : "needs systemd as process 1 (npm run test:v2)",
});
