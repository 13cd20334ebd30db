import { statSync } from "node:fs";
import module from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";

const OLDEST_NODE = 24;

/** Turns Node's compile cache on, where nobody else may have put code; says whether the sources are to run. */
export function keepCompiled() {
  refuseOldNode();
  const { XDG_CACHE_HOME: configured, HOME, XDG_RUNTIME_DIR } = process.env;
  // As cacheDirectory of @orlop/kernel, which would have to be compiled.
  const ownsMachine = process.geteuid() === 0 && statSync("/").uid === 0;
  const usual = ownsMachine ? "/var/cache" : join(HOME || XDG_RUNTIME_DIR || homedir(), ".cache");
  module.enableCompileCache(
    join(configured?.startsWith("/") && isOwn(configured) ? configured : usual, "orlop", "node"),
  );
  return process.execArgv.includes("--conditions=source");
}

/** The one of PATH may be of any age; what it cannot read it is not to read. */
function refuseOldNode() {
  const { node } = process.versions;
  if (Number.parseInt(node, 10) >= OLDEST_NODE) return;
  console.error(`Cannot run on Node.js ${node}: version ${OLDEST_NODE} or newer is needed`);
  console.error("Try installing a newer one from https://nodejs.org.");
  process.exit(1);
}

/** Root may have been handed somebody else's: cacheDirectory's rule. */
function isOwn(directory) {
  const stat = statSync(directory, { throwIfNoEntry: false });
  return stat === undefined || (stat.uid === process.geteuid() && (stat.mode & 0o002) === 0);
}
