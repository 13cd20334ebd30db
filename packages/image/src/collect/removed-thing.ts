/** What a collection has removed. */
export interface RemovedThing {
  /** `ingest`: part of a blob; `file`: a blob that never became visible. */
  readonly kind: "content" | "snapshot" | "ingest" | "file" | "lease";
  /** A digest, a snapshot's key or name, or a lease's id. */
  readonly name: string;
  /** Of a snapshot. */
  readonly snapshotter?: string;
  /** What it took on the disk (st_blocks). */
  readonly diskBytes: number;
}

export function removedBytes(removed: readonly RemovedThing[]): number {
  return removed.reduce((sum, { diskBytes }) => sum + diskBytes, 0);
}
