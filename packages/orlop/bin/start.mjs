// What bin/orlop executes: has Node keep what it compiles, then loads the command line.
//
// Plain JavaScript, because what is loaded before the cache is on is compiled on every start; for TypeScript that means
// loading a compiler, which takes longer than all the rest.
import { enableCompileCache } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";

// The user's own directory. Node's default is in /tmp, where somebody else may have put code for root to run.
const configured = process.env.XDG_CACHE_HOME;
const usual = process.getuid?.() === 0 ? "/var/cache" : join(homedir(), ".cache");
enableCompileCache(join(configured?.startsWith("/") ? configured : usual, "orlop", "node"));

// The launcher's way to keep Node from taking the caller's options for its own.
process.argv = process.argv.map((word, index) => (index > 1 && word.startsWith(":") ? word.slice(1) : word));

const fromSource = process.execArgv.includes("--conditions=source");
await import(fromSource ? "../src/main.ts" : "../dist/cli.js");
