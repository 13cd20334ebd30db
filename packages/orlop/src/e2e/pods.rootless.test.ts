import { stateDirectory } from "../run/state-directory.ts";
import { podsSuite } from "./pods-suite-fixture.ts";

const uid = process.getuid?.() ?? 0;
podsSuite(
  uid === 0
    ? { skip: "needs an ordinary user", stateDirectory: "" }
    : { skip: false, stateDirectory: stateDirectory(uid, process.env) },
);
