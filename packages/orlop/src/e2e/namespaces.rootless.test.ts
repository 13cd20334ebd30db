import { stateDirectory } from "../run/state-directory.ts";
import { namespacesSuite } from "./namespaces-suite-fixture.ts";

const uid = process.getuid?.() ?? 0;
const skip = uid === 0 ? "needs an ordinary user" : false;
namespacesSuite({ skip, stateDirectory: uid === 0 ? "" : stateDirectory(uid, process.env) }, true);
