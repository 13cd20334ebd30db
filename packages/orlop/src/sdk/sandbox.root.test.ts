import { busyboxObstacle, makeBusyboxRootfs } from "@orlop/testkit";
import { sandboxSuite } from "./sandbox-suite-fixture.ts";

sandboxSuite({
  skip: process.getuid?.() === 0 ? false : "needs root",
  stateDirectory: "/run/orlop",
  ...(busyboxObstacle() === undefined ? { makeBusybox: makeBusyboxRootfs } : {}),
});
