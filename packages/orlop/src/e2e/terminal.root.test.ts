import { terminalSuite } from "./terminal-suite-fixture.ts";

terminalSuite({ skip: process.getuid?.() === 0 ? false : "needs root", stateDirectory: "/run/orlop" });
