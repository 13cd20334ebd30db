import { keptSuite } from "./kept-suite-fixture.ts";
import { verbsSuite } from "./verbs-suite-fixture.ts";

const options = {
  skip: process.getuid?.() === 0 ? (false as const) : "needs root",
  stateDirectory: "/run/orlop",
  daemon: true,
};
keptSuite(options);
verbsSuite(options);
