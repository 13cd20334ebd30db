import { rootSourceSuite } from "./root-source-suite-fixture.ts";

rootSourceSuite({ skip: process.getuid?.() === 0 ? false : "needs root", stateDirectory: "/run/orlop" });
