/** The program `orlop`, from the sources. */
import { commandLine } from "./command-line.ts";

process.exitCode = await commandLine(process.argv.slice(2));
