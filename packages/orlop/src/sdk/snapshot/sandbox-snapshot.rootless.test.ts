import { busyboxObstacle } from "@orlop/testkit";
import { stateDirectory } from "../../run/state-directory.ts";
import { sandboxSnapshotSuite } from "./sandbox-snapshot-suite-fixture.ts";

const uid = process.getuid?.() ?? 0;
const obstacle = uid === 0 ? "needs an ordinary user" : busyboxObstacle();
sandboxSnapshotSuite({
  skip: obstacle ?? false,
  stateDirectory: uid === 0 ? "" : stateDirectory(uid, process.env),
});
