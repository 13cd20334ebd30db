import { stateDirectory } from "../run/state-directory.ts";
import { rootSourceSuite } from "./root-source-suite-fixture.ts";

const uid = process.getuid?.() ?? 0;
rootSourceSuite({
  skip: uid === 0 ? "needs an ordinary user" : false,
  stateDirectory: uid === 0 ? "" : stateDirectory(uid, process.env),
});
