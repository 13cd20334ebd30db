import { killSuite } from "./kill-suite-fixture.ts";

for (const name of ["erofs", "erofs:tar-index"]) killSuite(name);
