import { stateDirectory } from "../run/state-directory.ts";
import { terminalSuite } from "./terminal-suite-fixture.ts";

const uid = process.getuid?.() ?? 0;
terminalSuite({
  skip: uid === 0 ? "needs an ordinary user" : false,
  stateDirectory: uid === 0 ? "" : stateDirectory(uid, process.env),
});
