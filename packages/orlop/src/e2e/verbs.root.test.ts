import { verbsSuite } from "./verbs-suite-fixture.ts";

verbsSuite({ skip: process.getuid?.() === 0 ? false : "needs root", stateDirectory: "/run/orlop" });
