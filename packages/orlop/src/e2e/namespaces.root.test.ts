import { namespacesSuite } from "./namespaces-suite-fixture.ts";

const options = {
  skip: process.getuid?.() === 0 ? (false as const) : "needs root",
  stateDirectory: "/run/orlop",
};
namespacesSuite(options, false);
namespacesSuite({ ...options, daemon: true }, false);
