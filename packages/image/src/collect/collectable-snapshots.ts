import type { SnapshotInfo, SnapshotUsage } from "@orlop/core";

/**
 * A snapshotter whose snapshots garbage collection may remove: it keeps them in the store's database, so that one
 * transaction finds that nobody uses a snapshot and removes it. Changes to their rows are noted there, by `changeTriggers`,
 * with the name of the snapshotter, a blank and the key for an id.
 */
export interface CollectableSnapshots {
  readonly name: string;
  /** All of them; within a transaction or a snapshot of the database as that sees them. */
  records(): readonly SnapshotInfo[];
  /** One of them, where it is there. */
  record(key: string): SnapshotInfo | undefined;
  /**
   * Within a transaction: from its end on the snapshot is not known any more. Its files are left to `cleanup`.
   *
   * @throws OrlopError `conflict` for the parent of another
   */
  forget(key: string): void;
  usage(key: string): Promise<SnapshotUsage>;
  /** Removes the files of what is not known any more. */
  cleanup(): Promise<void>;
}
