import { busyboxObstacle, makeBusyboxRootfs } from "@orlop/testkit";
import { sandboxFilesSuite } from "./sandbox-files-suite-fixture.ts";

const obstacle = process.getuid?.() === 0 ? undefined : "needs root";
sandboxFilesSuite({ skip: obstacle ?? busyboxObstacle() ?? false, makeBusybox: makeBusyboxRootfs });
