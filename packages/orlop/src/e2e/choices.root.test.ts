import { choicesSuite } from "./choices-suite-fixture.ts";

const skip = process.getuid?.() === 0 ? false : "needs root";
for (const daemon of [false, true]) choicesSuite({ skip, stateDirectory: "/run/orlop", daemon });
