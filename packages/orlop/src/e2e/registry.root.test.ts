import { registrySuite } from "./registry-suite-fixture.ts";

registrySuite({ skip: process.getuid?.() === 0 ? false : "needs root", stateDirectory: "/run/orlop" });
