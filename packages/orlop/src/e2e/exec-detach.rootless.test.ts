import { stateDirectory } from "../run/state-directory.ts";
import { execDetachSuite } from "./exec-detach-suite-fixture.ts";

const uid = process.getuid?.() ?? 0;
const options = {
  skip: uid === 0 ? "needs an ordinary user" : (false as const),
  stateDirectory: uid === 0 ? "" : stateDirectory(uid, process.env),
};
execDetachSuite(options);
execDetachSuite({ ...options, daemon: true });
