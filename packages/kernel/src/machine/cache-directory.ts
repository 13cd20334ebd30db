import { statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/**
 * This user's directory for what orlop can make again, which may not exist. Root may have been handed an ordinary user's
 * XDG_CACHE_HOME, where that user could exchange what root is about to run: then it does not count.
 */
export function cacheDirectory(): string {
  const configured = process.env["XDG_CACHE_HOME"];
  if (configured?.startsWith("/") && isOwn(configured)) return join(configured, "orlop");
  return process.getuid?.() === 0 ? "/var/cache/orlop" : join(homedir(), ".cache", "orlop");
}

/** Whether only the caller can rename what is in the directory; one that does not exist yet will be made by the caller. */
function isOwn(directory: string): boolean {
  const stat = statSync(directory, { throwIfNoEntry: false });
  return stat === undefined || (stat.uid === process.geteuid?.() && (stat.mode & 0o002) === 0);
}
