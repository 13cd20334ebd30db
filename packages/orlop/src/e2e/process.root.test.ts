import { processSuite } from "./process-suite-fixture.ts";

processSuite({ skip: process.getuid?.() === 0 ? false : "needs root", stateDirectory: "/run/orlop" });
