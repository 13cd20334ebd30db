import { stateDirectory } from "../run/state-directory.ts";
import { keptSuite } from "./kept-suite-fixture.ts";

const uid = process.getuid?.() ?? 0;
keptSuite(
  uid === 0
    ? { skip: "needs an ordinary user", stateDirectory: "" }
    : { skip: false, stateDirectory: stateDirectory(uid, process.env) },
);
