import { statSync } from "node:fs";
import { enableCompileCache } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";

/** Turns Node's compile cache on, in the user's own directory; says whether the sources are to run. */
export function keepCompiled() {
  const { XDG_CACHE_HOME: configured, HOME, XDG_RUNTIME_DIR } = process.env;
  // As cacheDirectory of @orlop/kernel, which would have to be compiled.
  const ownsMachine = process.geteuid?.() === 0 && statSync("/").uid === 0;
  const usual = ownsMachine ? "/var/cache" : join(HOME || XDG_RUNTIME_DIR || homedir(), ".cache");
  enableCompileCache(join(configured?.startsWith("/") ? configured : usual, "orlop", "node"));
  return process.execArgv.includes("--conditions=source");
}
