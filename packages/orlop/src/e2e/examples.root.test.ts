import { busyboxObstacle, makeBusyboxRootfs } from "@orlop/testkit";
import { examplesSuite } from "./examples-suite-fixture.ts";

examplesSuite({
  skip: process.getuid?.() === 0 ? false : "needs root",
  ...(busyboxObstacle() === undefined ? { makeBusybox: makeBusyboxRootfs } : {}),
});
