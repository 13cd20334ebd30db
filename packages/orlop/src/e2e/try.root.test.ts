import { trySuite } from "./try-suite-fixture.ts";

trySuite({ skip: process.getuid?.() === 0 ? false : "needs root", stateDirectory: "/run/orlop" });
