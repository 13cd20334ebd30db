import { terminalRelaySuite } from "./terminal-relay-suite-fixture.ts";

terminalRelaySuite({ skip: process.getuid?.() === 0 ? false : "needs root", stateDirectory: "/run/orlop" });
