import { execDetachSuite } from "./exec-detach-suite-fixture.ts";

const options = { skip: process.getuid?.() === 0 ? (false as const) : "needs root", stateDirectory: "/run/orlop" };
execDetachSuite(options);
execDetachSuite({ ...options, daemon: true });
