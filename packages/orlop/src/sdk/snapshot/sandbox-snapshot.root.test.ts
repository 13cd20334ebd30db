import { busyboxObstacle } from "@orlop/testkit";
import { sandboxSnapshotSuite } from "./sandbox-snapshot-suite-fixture.ts";

const obstacle = process.getuid?.() === 0 ? busyboxObstacle() : "needs root";
sandboxSnapshotSuite({ skip: obstacle ?? false, stateDirectory: "/run/orlop" });
