import { stateDirectory } from "../run/state-directory.ts";
import { copySuite } from "./copy-suite-fixture.ts";

const uid = process.getuid?.() ?? 0;
copySuite(
  uid === 0
    ? { skip: "needs an ordinary user", stateDirectory: "" }
    : { skip: false, stateDirectory: stateDirectory(uid, process.env) },
);
