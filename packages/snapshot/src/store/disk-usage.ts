import { lstatSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { SnapshotUsage } from "@orlop/core";

/** stat(2): st_blocks counts these, whatever the file system's blocks are. */
const STAT_BLOCK_BYTES = 512;

/**
 * What files and directories take on the disk; hard links once, and not at all what is gone meanwhile or, of an ordinary user,
 * in directories that he may not look into, as overlay's own is.
 */
export async function diskUsage(paths: readonly string[]): Promise<SnapshotUsage> {
  const seen = new Set<string>();
  const waiting = [...paths];
  let sizeBytes = 0;
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined || seen.has(`${stat.dev}:${stat.ino}`)) continue;
    seen.add(`${stat.dev}:${stat.ino}`);
    sizeBytes += stat.blocks * STAT_BLOCK_BYTES;
    if (!stat.isDirectory()) continue;
    for (const name of await namesIn(path)) waiting.push(join(path, name));
  }
  return { sizeBytes, inodes: seen.size };
}

/** None where it is gone, or not for this user to look into. */
export async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "EACCES") return [];
    throw error;
  }
}
