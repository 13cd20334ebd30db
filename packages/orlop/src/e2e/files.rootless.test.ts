import { busyboxObstacle, makeBusyboxRootfs } from "@orlop/testkit";
import { stateDirectory } from "../run/state-directory.ts";
import { filesSuite } from "./files-suite-fixture.ts";

const uid = process.getuid?.() ?? 0;
filesSuite({
  skip: uid === 0 ? "needs an ordinary user" : false,
  stateDirectory: uid === 0 ? "" : stateDirectory(uid, process.env),
  busyboxObstacle: busyboxObstacle(),
  makeBusybox: makeBusyboxRootfs,
});
