import { busyboxObstacle } from "@orlop/testkit";
import { sandboxSecretsSuite } from "./sandbox-secrets-suite-fixture.ts";

sandboxSecretsSuite({
  skip: process.getuid?.() === 0 ? false : "needs root",
  noBusybox: busyboxObstacle() ?? false,
  stateDirectory: "/run/orlop",
});
