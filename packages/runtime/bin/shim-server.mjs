// Plain JavaScript, which needs no compiler: has Node keep what it compiles, then loads the program.
import { keepCompiled } from "./keep-compiled.mjs";

await import(keepCompiled() ? "../src/shim/server.ts" : "../dist/shim/server.js");
