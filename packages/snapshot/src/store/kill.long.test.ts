import { killSuite } from "./kill-suite-fixture.ts";

for (const name of ["erofs", "overlay", "native"]) killSuite(name);
