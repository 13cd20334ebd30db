import { processSuite } from "./process-suite-fixture.ts";
import { terminalSuite } from "./terminal-suite-fixture.ts";

const options = {
  skip: process.getuid?.() === 0 ? (false as const) : "needs root",
  stateDirectory: "/run/orlop",
  daemon: true,
};
processSuite(options);
terminalSuite(options);
