import type { SnapshotBench } from "./snapshot-bench.ts";

/** One thing that the contract promises. */
export interface SnapshotCase {
  /** The test's title: what the snapshotter does. */
  readonly title: string;
  /** The case looks into snapshots by mounting them. */
  readonly mounts?: true;
  readonly check: (bench: SnapshotBench) => Promise<void>;
}
