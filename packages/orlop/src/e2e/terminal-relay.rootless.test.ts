import { stateDirectory } from "../run/state-directory.ts";
import { terminalRelaySuite } from "./terminal-relay-suite-fixture.ts";

const uid = process.getuid?.() ?? 0;
terminalRelaySuite({
  skip: uid === 0 ? "needs an ordinary user" : false,
  stateDirectory: uid === 0 ? "" : stateDirectory(uid, process.env),
});
