import type { Snapshotter } from "@orlop/core";

/** A snapshotter that the suite may use up. */
export interface SnapshotterSuiteSubject extends AsyncDisposable {
  readonly snapshotter: Snapshotter;
}

/**
 * Makes the snapshotter. Two that are made for one directory share its state, as two processes of one program would.
 *
 * @param directory exists, is empty at first, and is the snapshotter's own
 */
export type MakeSnapshotter = (directory: string) => SnapshotterSuiteSubject | Promise<SnapshotterSuiteSubject>;

export interface SnapshotterSuiteOptions {
  /** Why the snapshotter cannot be tried here, for the skips; undefined when it can. */
  readonly obstacle?: () => string | undefined;
  /** Why its mounts cannot be made here; cases that look into snapshots are skipped then. */
  readonly mountObstacle?: () => string | undefined;
  /** Cases, by their titles, that a foreign program is known to fail, each with the reason: they are skipped. */
  readonly exceptions?: Readonly<Record<string, string>>;
  /** Each snapshot is a copy of all that is below it, and takes as much on the disk. */
  readonly copies?: true;
  /** Where directories are made, as for `temporaryDirectory`. */
  readonly parent?: string;
}
