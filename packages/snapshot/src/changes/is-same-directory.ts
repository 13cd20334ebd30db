import type { LayerEntry } from "@orlop/core";
import type { LowerDirectory, LowerLeaf } from "../layer/lower-layer.ts";

/** Whether an entry is a directory below as it was: times change with what is in it. */
export function isSameDirectory(
  { mode, uid, gid }: Pick<LayerEntry, "mode" | "uid" | "gid">,
  before: LowerDirectory | LowerLeaf,
): boolean {
  const { attributes, kind } = before;
  const isSameOwner = attributes.uid === uid && attributes.gid === gid;
  return kind === "directory" && attributes.mode === mode && (isSameOwner || isOwn(attributes));
}

/** Files of an ordinary user, which are those of root in his containers. */
function isOwn({ uid }: Pick<LayerEntry, "uid">): boolean {
  return process.geteuid?.() !== 0 && uid === process.geteuid?.();
}
