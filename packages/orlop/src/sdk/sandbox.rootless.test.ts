import { busyboxObstacle, makeBusyboxRootfs } from "@orlop/testkit";
import { stateDirectory } from "../run/state-directory.ts";
import { sandboxSuite } from "./sandbox-suite-fixture.ts";

const uid = process.getuid?.() ?? 0;
sandboxSuite(
  uid === 0
    ? { skip: "needs an ordinary user", stateDirectory: "" }
    : {
        skip: false,
        stateDirectory: stateDirectory(uid, process.env),
        ...(busyboxObstacle() === undefined ? { makeBusybox: makeBusyboxRootfs } : {}),
      },
);
