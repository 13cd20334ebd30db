import type { SnapshotUsage } from "@orlop/core";
import type { SnapshotFiles } from "../store/snapshot-driver.ts";

/** Name of the root file system in the directory of a snapshot. */
export const TREE = "fs";

/** How the directories of snapshots come to be and go, each of which holds a root file system of its own in whole. */
export interface TreeKeeper {
  readonly name: string;
  /** Absent where there are none. */
  readonly limits?: TreeLimits;
  /** Makes the directory of a snapshot, with nothing in it. `isLimited`: it will get a limit. */
  make(directory: string, isLimited: boolean): Promise<void>;
  /** Makes the directory of a snapshot, with nothing in it but the root file system of a committed one. */
  copy(from: string, directory: string, isLimited: boolean): Promise<void>;
  /** Throws what is in the way of making a committed snapshot of an active one. */
  checkCommit(directory: string): Promise<void>;
  /** That of a committed snapshot is written to no more. Again where it is so already. */
  seal(directory: string): Promise<void>;
  usage(files: SnapshotFiles): Promise<SnapshotUsage>;
  /** Of any snapshot, also of one that was not finished. */
  remove(directory: string): Promise<void>;
}

/** Limits on what is written to snapshots. */
export interface TreeLimits {
  /** @throws OrlopError `unsupported` where they cannot be had */
  check(): Promise<void>;
  /** Throws what is in the way of holding a layer that is applied to it; absent: nothing. */
  checkApply?(directory: string): void;
  /** Of the directory of an active snapshot, from now on. */
  set(directory: string, sizeMaxBytes: number): Promise<void>;
  /** Takes away what there is of it. */
  lift(directory: string): Promise<void>;
}
