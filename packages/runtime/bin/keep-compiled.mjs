import { enableCompileCache } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";

/** Turns Node's compile cache on, in the user's own directory; says whether the sources are to run. */
export function keepCompiled() {
  const configured = process.env.XDG_CACHE_HOME;
  const usual = process.getuid?.() === 0 ? "/var/cache" : join(homedir(), ".cache");
  enableCompileCache(join(configured?.startsWith("/") ? configured : usual, "orlop", "node"));
  return process.execArgv.includes("--conditions=source");
}
