import { lstatSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";

/**
 * The directory on tmpfs for what is running: /run/orlop for root, the user's own runtime directory for others, and
 * where a login has made none, a directory in /tmp that nobody else may enter.
 *
 * @throws OrlopError `denied` when what is there belongs to somebody else
 */
export function stateDirectory(uid: number, env: Readonly<Record<string, string | undefined>>): string {
  if (uid === 0) return "/run/orlop";
  const configured = env.XDG_RUNTIME_DIR;
  const candidates = configured?.startsWith("/") ? [configured] : [`/run/user/${uid}`];
  const parent = candidates.find((path) => isPrivate(path, uid));
  if (parent !== undefined) return join(parent, "orlop");
  // Not TMPDIR, which may differ from one shell to the next.
  const fallback = `/tmp/orlop-${uid}`;
  mkdirSync(fallback, { recursive: true, mode: 0o700 });
  if (isPrivate(fallback, uid)) return fallback;
  throw new OrlopError(
    "denied",
    `Cannot use state directory "${fallback}": it is not yours alone\n` +
      "Try setting XDG_RUNTIME_DIR to a directory that only you can enter.",
  );
}

/** A real directory of this user that nobody else may write to. */
function isPrivate(path: string, uid: number): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat?.isDirectory() === true && stat.uid === uid && (stat.mode & 0o022) === 0;
}
