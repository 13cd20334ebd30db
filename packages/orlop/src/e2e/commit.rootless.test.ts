import { stateDirectory } from "../run/state-directory.ts";
import { commitSuite } from "./commit-suite-fixture.ts";

const uid = process.getuid?.() ?? 0;
commitSuite({
  skip: uid === 0 ? "needs an ordinary user" : false,
  stateDirectory: uid === 0 ? "" : stateDirectory(uid, process.env),
});
