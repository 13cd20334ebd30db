import { keptSuite } from "./kept-suite-fixture.ts";

keptSuite({ skip: process.getuid?.() === 0 ? false : "needs root", stateDirectory: "/run/orlop" });
