import { stateDirectory } from "../run/state-directory.ts";
import { daemonSuite } from "./daemon-suite-fixture.ts";

const uid = process.getuid?.() ?? 0;
daemonSuite(
  uid === 0
    ? { skip: "needs an ordinary user", stateDirectory: "" }
    : { skip: false, stateDirectory: stateDirectory(uid, process.env) },
);
