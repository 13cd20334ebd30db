import { careSuite } from "./care-suite-fixture.ts";

careSuite({ skip: process.getuid?.() === 0 ? false : "needs root", stateDirectory: "/run/orlop" });
