import { OrlopError, type SnapshotInfo, type SnapshotUsage } from "@orlop/core";
import type { CollectableSnapshots } from "@orlop/image";
import type { RecordedSnapshotter } from "@orlop/snapshot/proxy";
import { printWarning } from "../print.ts";

/**
 * Snapshots of somebody else's snapshotter, for garbage collection: what nobody uses goes from our rows also while nobody
 * answers there, which a warning tells; the other one gives it back when it is collected again.
 */
export class CollectableProxy implements CollectableSnapshots {
  readonly name: string;
  readonly #snapshots: RecordedSnapshotter;

  constructor(snapshots: RecordedSnapshotter) {
    this.name = snapshots.name;
    this.#snapshots = snapshots;
  }

  records(): readonly SnapshotInfo[] {
    return this.#snapshots.records();
  }

  record(key: string): SnapshotInfo | undefined {
    return this.#snapshots.record(key);
  }

  forget(key: string): void {
    this.#snapshots.forget(key);
  }

  async usage(key: string): Promise<SnapshotUsage> {
    return (await unlessFailed(this.#snapshots.usage(key))) ?? { sizeBytes: 0, inodes: 0 };
  }

  async cleanup(): Promise<void> {
    await unlessFailed(this.#snapshots.cleanup(), (error) => printWarning(error.message));
  }
}

/** `failed` is what a socket says where nobody listens, or a peer that has no better words. */
async function unlessFailed<T>(work: Promise<T>, tell?: (error: OrlopError) => void): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof OrlopError) || error.code !== "failed") throw error;
    tell?.(error);
    return undefined;
  }
}
