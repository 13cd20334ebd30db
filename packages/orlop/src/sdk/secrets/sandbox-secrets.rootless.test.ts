import { busyboxObstacle } from "@orlop/testkit";
import { stateDirectory } from "../../run/state-directory.ts";
import { sandboxSecretsSuite } from "./sandbox-secrets-suite-fixture.ts";

const uid = process.getuid?.() ?? 0;
sandboxSecretsSuite({
  skip: uid === 0 ? "needs an ordinary user" : false,
  noBusybox: busyboxObstacle() ?? false,
  stateDirectory: uid === 0 ? "" : stateDirectory(uid, process.env),
});
