import { enableCompileCache } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";

/**
 * Lets Node keep compiled modules (and stripped TypeScript) between runs, in this user's own cache directory.
 *
 * Node's default directory is in /tmp, where another user may have put code for root to run.
 */
export function enableCache(): void {
  const configured = process.env.XDG_CACHE_HOME;
  const root = process.getuid?.() === 0 ? "/var/cache" : join(homedir(), ".cache");
  enableCompileCache(join(configured?.startsWith("/") ? configured : root, "orlop", "node"));
}
