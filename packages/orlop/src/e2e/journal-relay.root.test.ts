import { journalRelaySuite } from "./journal-relay-suite-fixture.ts";

const skip = process.getuid?.() === 0 ? false : "needs root";
for (const daemon of [false, true]) journalRelaySuite({ skip, stateDirectory: "/run/orlop", daemon });
