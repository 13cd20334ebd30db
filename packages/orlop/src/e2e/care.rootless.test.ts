import { stateDirectory } from "../run/state-directory.ts";
import { careSuite } from "./care-suite-fixture.ts";

const uid = process.getuid?.() ?? 0;
careSuite(
  uid === 0
    ? { skip: "needs an ordinary user", stateDirectory: "" }
    : { skip: false, stateDirectory: stateDirectory(uid, process.env) },
);
