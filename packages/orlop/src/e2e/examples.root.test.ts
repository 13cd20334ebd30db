import { examplesSuite } from "./examples-suite-fixture.ts";

examplesSuite(process.getuid?.() === 0 ? false : "needs root");
