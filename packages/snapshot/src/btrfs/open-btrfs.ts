import type { SnapshotDriver } from "../store/snapshot-driver.ts";
import type { SystemCalls } from "../system/system-calls.ts";
import { WholeTreeDriver } from "../whole/whole-tree-driver.ts";
import { BtrfsTrees } from "./btrfs-trees.ts";
import { checkBtrfs } from "./check-btrfs.ts";

/**
 * Every snapshot a subvolume.
 *
 * @throws OrlopError `unsupported` where subvolumes cannot be made
 */
export function openBtrfs(directory: string, system: SystemCalls, rootless: boolean): SnapshotDriver {
  checkBtrfs(directory);
  return new WholeTreeDriver({ trees: new BtrfsTrees(system, directory), system, rootless });
}
