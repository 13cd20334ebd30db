/** The program `orlop`: what `bin/orlop` executes. Loads as little as it can before it knows what is asked for. */
import { enableCache } from "./compile-cache.ts";

enableCache();
const { commandLine } = await import("./command-line.ts");
process.exitCode = await commandLine(process.argv.slice(2));
