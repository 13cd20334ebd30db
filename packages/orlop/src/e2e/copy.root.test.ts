import { copySuite } from "./copy-suite-fixture.ts";

copySuite({ skip: process.getuid?.() === 0 ? false : "needs root", stateDirectory: "/run/orlop" });
