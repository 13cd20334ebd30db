import type {
  Labels,
  LayerEntries,
  LayerEntry,
  PrepareOptions,
  SnapshotKind,
  SnapshotMount,
  SnapshotUsage,
} from "@orlop/core";
import type { LowerLayer } from "../layer/lower-layer.ts";

type MaybePromise<T> = T | Promise<T>;

/** The files of one snapshot: its own directory, and those of the snapshots below it, the uppermost first. */
export interface SnapshotFiles {
  readonly directory: string;
  readonly below: readonly string[];
}

/**
 * What is different between snapshotters that keep their files in directories: one for each snapshot, whose names and
 * kinds are kept by others. No two calls for one directory are under way at once.
 */
export interface SnapshotDriver {
  readonly name: string;
  readonly rebases: boolean;
  /** Throws `unsupported` where what is written to a snapshot cannot be limited. */
  checkLimit(): Promise<void>;
  /** Fills the new directory of an active snapshot or a view: quickly, as everybody else waits. */
  prepare(files: SnapshotFiles, kind: SnapshotKind): void;
  /**
   * Makes and fills the directory of an active snapshot instead, while nobody waits: it has another name meanwhile. Absent
   * where `prepare` does all that there is to do.
   */
  fill?(files: SnapshotFiles, options: PrepareOptions): Promise<void>;
  /** Limits what is written to an active snapshot that `prepare` has filled. Absent where `fill` does it. */
  limit?(directory: string, sizeMaxBytes: number): Promise<void>;
  /** Has the devices of {@link mounts} be there, while nobody waits. Absent: there are none. */
  show?(files: SnapshotFiles, kind: SnapshotKind): Promise<void>;
  mounts(files: SnapshotFiles, kind: SnapshotKind): readonly SnapshotMount[];
  /** `below` of `files` is undefined for what has been prepared without a parent, and may get one. */
  apply(
    files: { readonly directory: string; readonly below: readonly string[] | undefined },
    entries: LayerEntries,
  ): Promise<void>;
  /** What has been written to an active snapshot, as the entries of a layer. */
  entries(files: SnapshotFiles): AsyncGenerator<LayerEntry>;
  /** The layers of committed snapshots, the uppermost first, as what is on top of them sees them. */
  open(below: readonly string[]): MaybePromise<readonly (LowerLayer & Partial<Disposable>)[]>;
  /**
   * Makes a layer of what has been applied or written, and makes it durable. Again where nothing came of it. Gives labels
   * that say something of the layer.
   */
  commit(files: SnapshotFiles): Promise<Labels>;
  /** Removes what only an active snapshot needs from that of a committed one, if it is still there. */
  tidy(directory: string): Promise<void>;
  usage(files: SnapshotFiles): Promise<SnapshotUsage>;
  /**
   * Of the one file that a committed snapshot is, or of its two, as fs-verity has it; undefined where that cannot be read. Absent
   * where snapshots are more than that.
   */
  digest?(directory: string, signal?: AbortSignal): Promise<string | undefined>;
  /** Removes the directory of a snapshot, also of one that was never finished. */
  remove(directory: string): Promise<void>;
  /** Lets go of what it holds for a snapshot that is committed, or will be removed. */
  forget(directory: string): void;
  /** Removes what dead processes have left elsewhere than in directories. Absent: nothing. */
  cleanup?(): Promise<void>;
  close(): Promise<void>;
}
