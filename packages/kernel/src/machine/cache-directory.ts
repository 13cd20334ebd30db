import { statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Whether the directories of the machine (/run, /var/cache) are this user's to write to: root's, but not those of a root
 * that is one only within its user namespace.
 */
export function ownsMachine(): boolean {
  return process.geteuid?.() === 0 && statSync("/").uid === 0;
}

/**
 * Where this user's programs keep what can be made again. `packages/runtime/bin/orlop-oci` finds it in the same way,
 * without a look at /etc/passwd: callers of runtimes often leave out HOME.
 */
export function cacheDirectory(env: Environment = process.env): string {
  const { XDG_CACHE_HOME, HOME, XDG_RUNTIME_DIR } = env;
  if (XDG_CACHE_HOME?.startsWith("/") && isOwn(XDG_CACHE_HOME)) return XDG_CACHE_HOME;
  if (ownsMachine()) return "/var/cache";
  return join([HOME, XDG_RUNTIME_DIR].find((path) => path?.startsWith("/")) ?? homedir(), ".cache");
}

/**
 * Whether only this user can rename what is in the directory; one that does not exist yet will be made by them. Root may
 * have been handed an ordinary user's XDG_CACHE_HOME, where that user could exchange what root is about to run.
 */
function isOwn(directory: string): boolean {
  const stat = statSync(directory, { throwIfNoEntry: false });
  return stat === undefined || (stat.uid === process.geteuid?.() && (stat.mode & 0o002) === 0);
}
