import type { SnapshotDriver } from "../store/snapshot-driver.ts";
import type { SystemCalls } from "../system/system-calls.ts";
import { WholeTreeDriver } from "../whole/whole-tree-driver.ts";
import { NativeTrees } from "./native-trees.ts";

/** Every snapshot a directory that is a copy of its parent's. */
export function openNative(directory: string, system: SystemCalls, rootless: boolean): SnapshotDriver {
  return new WholeTreeDriver({ trees: new NativeTrees(system, directory, !rootless), system, rootless });
}
