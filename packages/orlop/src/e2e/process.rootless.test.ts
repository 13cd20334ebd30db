import { stateDirectory } from "../run/state-directory.ts";
import { processSuite } from "./process-suite-fixture.ts";

const uid = process.getuid?.() ?? 0;
processSuite(
  uid === 0
    ? { skip: "needs an ordinary user", stateDirectory: "" }
    : { skip: false, stateDirectory: stateDirectory(uid, process.env) },
);
