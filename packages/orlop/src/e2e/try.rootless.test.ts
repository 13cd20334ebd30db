import { userOverlayObstacle } from "@orlop/snapshot";
import { stateDirectory } from "../run/state-directory.ts";
import { trySuite } from "./try-suite-fixture.ts";

const uid = process.getuid?.() ?? 0;
trySuite({
  skip: uid === 0 ? "needs an ordinary user" : (userOverlayObstacle() ?? false),
  stateDirectory: uid === 0 ? "" : stateDirectory(uid, process.env),
});
