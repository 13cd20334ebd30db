import { daemonSuite } from "./daemon-suite-fixture.ts";

daemonSuite({ skip: process.getuid?.() === 0 ? false : "needs root", stateDirectory: "/run/orlop" });
