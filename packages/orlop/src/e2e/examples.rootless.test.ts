import { busyboxObstacle, makeBusyboxRootfs } from "@orlop/testkit";
import { examplesSuite } from "./examples-suite-fixture.ts";

examplesSuite({
  skip: process.getuid?.() === 0 ? "needs an ordinary user" : false,
  ...(busyboxObstacle() === undefined ? { makeBusybox: makeBusyboxRootfs } : {}),
});
