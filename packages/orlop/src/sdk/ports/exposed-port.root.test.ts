import { exposedPortSuite } from "./exposed-port-suite-fixture.ts";

exposedPortSuite({ skip: process.getuid?.() === 0 ? false : "needs root", stateDirectory: "/run/orlop" });
