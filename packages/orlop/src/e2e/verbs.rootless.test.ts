import { stateDirectory } from "../run/state-directory.ts";
import { verbsSuite } from "./verbs-suite-fixture.ts";

const uid = process.getuid?.() ?? 0;
verbsSuite(
  uid === 0
    ? { skip: "needs an ordinary user", stateDirectory: "" }
    : { skip: false, stateDirectory: stateDirectory(uid, process.env) },
);
