import { podsSuite } from "./pods-suite-fixture.ts";

podsSuite({ skip: process.getuid?.() === 0 ? false : "needs root", stateDirectory: "/run/orlop" });
