import { stateDirectory } from "../run/state-directory.ts";
import { journalRelaySuite } from "./journal-relay-suite-fixture.ts";

const uid = process.getuid?.() ?? 0;
const skip = uid === 0 ? "needs an ordinary user" : false;
for (const daemon of [false, true])
  journalRelaySuite({ skip, stateDirectory: stateDirectory(uid, process.env), daemon });
