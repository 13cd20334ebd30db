import { commitSuite } from "./commit-suite-fixture.ts";

commitSuite({ skip: process.getuid?.() === 0 ? false : "needs root", stateDirectory: "/run/orlop" });
