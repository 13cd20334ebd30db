import { busyboxObstacle, makeBusyboxRootfs } from "@orlop/testkit";
import { filesSuite } from "./files-suite-fixture.ts";

filesSuite({
  skip: process.getuid?.() === 0 ? false : "needs root",
  stateDirectory: "/run/orlop",
  busyboxObstacle: busyboxObstacle(),
  makeBusybox: makeBusyboxRootfs,
});
