import type { BigIntStats } from "node:fs";
import type { Attributes } from "../layer/lower-layer.ts";

const NANOSECONDS = 1_000_000_000n;

/** What stat(2) tells of a file that layers have, too. */
export function statAttributes({ mode, uid, gid, mtimeNs }: BigIntStats): Omit<Attributes, "xattrs"> {
  return {
    mode: Number(mode) & 0o7777,
    uid: Number(uid),
    gid: Number(gid),
    mtime: Number(mtimeNs / NANOSECONDS),
    mtimeNanoseconds: Number(mtimeNs % NANOSECONDS),
  };
}
