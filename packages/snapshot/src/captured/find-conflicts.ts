import type { BigIntStats } from "node:fs";
import type { LayerEntry } from "@orlop/core";
import type { CapturedEntry, CapturedPart } from "./captured-entries.ts";
import { filesBelow, HostWalk, splitPath } from "./host-walk.ts";

/** Why something cannot be put in the place of what is there. */
export interface Conflict {
  /** Absolute. */
  readonly path: string;
  /** Completes a sentence about it: `has changed meanwhile`. */
  readonly what: string;
}

const MODE_MASK = 0o7777;
const CHANGED = "has changed meanwhile";

/**
 * What captured entries would overwrite or remove of a directory although it is not any more what was captured over: whatever
 * has changed there at `sinceNs` or later (the time that inodes have: st_ctim of stat(2)), is gone, or is mounted.
 */
export async function findConflicts(
  { below, given }: Pick<CapturedPart, "below" | "given">,
  entries: AsyncIterable<CapturedEntry>,
  sinceNs: bigint,
): Promise<readonly Conflict[]> {
  using walk = new HostWalk(below);
  const conflicts: Conflict[] = [];
  for await (const entry of entries) {
    // Of a directory that was no layer nothing was to be seen but what was given: whatever is there is somebody else's.
    const isUnseen = given !== undefined && entry.entry !== undefined;
    const what = conflictOf(walk, entry, isUnseen ? 0n : sinceNs);
    if (what !== undefined) conflicts.push({ path: walk.absolute(entry.path), what });
  }
  return conflicts;
}

function conflictOf(walk: HostWalk, captured: CapturedEntry, sinceNs: bigint): string | undefined {
  const { path, entry, hidesBelow, isCopied } = captured;
  const found = walk.stat(path);
  if (found === undefined) return isCopied ? "is gone meanwhile" : undefined;
  if (entry?.kind === "directory" && found.isDirectory() && !hidesBelow) {
    if (found.ctimeNs < sinceNs) return undefined;
    return isCopied && isSame(found, entry) ? undefined : CHANGED;
  }
  const { parent, name } = splitPath(path);
  const place = walk.directory(parent);
  if (place === undefined || name === "") return found.ctimeNs < sinceNs ? undefined : CHANGED;
  for (const each of filesBelow(place, name)) {
    if (each.isMount) return "has something mounted there";
    if (each.ctimeNs >= sinceNs) return CHANGED;
  }
  return undefined;
}

/** Something has been made or removed in it, and it is as it was otherwise. An ordinary user's owners are all his own. */
function isSame(found: BigIntStats, { mode, uid, gid }: LayerEntry): boolean {
  const isSameOwner = Number(found.uid) === uid && Number(found.gid) === gid;
  return (Number(found.mode) & MODE_MASK) === mode && (isSameOwner || process.geteuid?.() !== 0);
}
