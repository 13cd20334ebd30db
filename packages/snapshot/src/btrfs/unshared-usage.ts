import { type BigIntStats, lstatSync } from "node:fs";
import { join } from "node:path";
import type { SnapshotUsage } from "@orlop/core";
import { namesIn } from "../store/disk-usage.ts";

/** stat(2): st_blocks counts these. */
const STAT_BLOCK_BYTES = 512n;

/**
 * What a subvolume takes on the disk that the one it is a snapshot of does not: the files that are others there or have
 * changed. Of a large file that has changed in part all of it counts.
 */
export async function unsharedUsage(directory: string, parent: string | undefined): Promise<SnapshotUsage> {
  const seen = new Set<bigint>();
  let bytes = 0n;
  const waiting = [""];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const stat = look(join(directory, path));
    if (stat === undefined) continue;
    const before = parent === undefined ? undefined : look(join(parent, path));
    if (!seen.has(stat.ino) && !isSame(stat, before)) {
      seen.add(stat.ino);
      bytes += stat.blocks * STAT_BLOCK_BYTES;
    }
    if (stat.isDirectory()) for (const name of await namesIn(join(directory, path))) waiting.push(join(path, name));
  }
  return { sizeBytes: Number(bytes), inodes: seen.size };
}

/** Of somebody who writes there some files may be gone already. */
function look(path: string): BigIntStats | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false });
}

/** Files of a snapshot keep their numbers. */
function isSame(stat: BigIntStats, before: BigIntStats | undefined): boolean {
  return before !== undefined && stat.ino === before.ino && stat.ctimeNs === before.ctimeNs;
}
