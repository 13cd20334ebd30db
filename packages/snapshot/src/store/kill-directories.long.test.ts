import { killSuite } from "./kill-suite-fixture.ts";

for (const name of ["overlay", "native"]) killSuite(name);
