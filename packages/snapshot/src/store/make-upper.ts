import { chmodSync, chownSync, lstatSync, mkdirSync } from "node:fs";
import type { Attributes } from "../layer/lower-layer.ts";

const MODE_MASK = 0o7777;

/** A directory for what is written over layers: its attributes are those that the whole shows for its root. */
export function makeUpper(path: string, root: Pick<Attributes, "mode" | "uid" | "gid"> | undefined): void {
  const mode = root?.mode ?? 0o755;
  mkdirSync(path, { mode });
  // Mostly it has them at once, and each of these would be a change that the file system writes down.
  const made = lstatSync(path);
  if ((made.mode & MODE_MASK) !== (mode & MODE_MASK)) chmodSync(path, mode);
  if (root === undefined || (made.uid === root.uid && made.gid === root.gid)) return;
  // An ordinary user has no other owner to give.
  if (process.geteuid?.() === 0) chownSync(path, root.uid, root.gid);
}
