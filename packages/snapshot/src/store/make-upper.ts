import { chmodSync, chownSync, mkdirSync } from "node:fs";
import type { Attributes } from "../layer/lower-layer.ts";

/** A directory for what is written over layers: its attributes are those that the whole shows for its root. */
export function makeUpper(path: string, root: Pick<Attributes, "mode" | "uid" | "gid"> | undefined): void {
  mkdirSync(path, { mode: 0o755 });
  chmodSync(path, root?.mode ?? 0o755);
  // An ordinary user has no other owner to give.
  if (root !== undefined && process.geteuid?.() === 0) chownSync(path, root.uid, root.gid);
}
