import { stateDirectory } from "../../run/state-directory.ts";
import { exposedPortSuite } from "./exposed-port-suite-fixture.ts";

const uid = process.getuid?.() ?? 0;
exposedPortSuite(
  uid === 0
    ? { skip: "needs an ordinary user", stateDirectory: "" }
    : { skip: false, stateDirectory: stateDirectory(uid, process.env) },
);
