import type { Labels } from "./content.ts";
import type { LayerEntries } from "./oci/layer-entry.ts";

/**
 * Given to `prepare`: the name of the committed snapshot that is to come of the new one. A snapshotter that `fetches` may make
 * it itself, from where further labels say that the layer is; it throws `exists` then, and the snapshot of that name is there,
 * on that parent, with this label. (containerd's name; its "remote snapshots".)
 */
export const LABEL_SNAPSHOT_REF = "containerd.io/snapshot.ref";

/**
 * One mount, in the form that containerd's snapshotters give it (api/types/mount.proto). Several are made one after the
 * other, the last being the root file system: `erofs` mounts of layers, then `format/overlay`, whose options may name the
 * mounts before it as `{{ mount 0 }}` or, for all of a range, `{{ overlay 0 2 }}` (containerd 2.1, core/mount/manager).
 */
export interface SnapshotMount {
  readonly type: string;
  readonly source: string;
  /** Below the root file system; absent: the root itself. */
  readonly target?: string;
  readonly options: readonly string[];
}

/**
 * - *active*: can be written to; made by `prepare`, known by a key of the caller's.
 * - *view*: read-only look at a committed one; made by `view`.
 * - *committed*: a layer with all below it, immutable; made by `commit`, known by its name (often a chain id).
 */
export type SnapshotKind = "active" | "view" | "committed";

export interface SnapshotInfo {
  readonly kind: SnapshotKind;
  /** Key or name; both are of one set. */
  readonly key: string;
  /** Name of a committed snapshot; absent: an empty file system. */
  readonly parent?: string;
  readonly labels: Labels;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export interface SnapshotUsage {
  /** On the disk, without what belongs to parents. */
  readonly sizeBytes: number;
  readonly inodes: number;
}

export interface SnapshotOptions {
  readonly labels?: Labels;
}

export interface PrepareOptions extends SnapshotOptions {
  /**
   * A limit on what is written to the snapshot.
   *
   * A snapshotter that cannot enforce it refuses with `unsupported`.
   */
  readonly sizeMaxBytes?: number;
}

export interface CommitOptions extends SnapshotOptions {
  /**
   * The parent, where `prepare` was given none: layers are unpacked side by side and put on top of each other at the end.
   *
   * @throws OrlopError `conflict` where prepare was given another, `unsupported` where the snapshotter does not rebase
   */
  readonly parent?: string;
}

/**
 * The `Snapshotter` contract: root file systems from layers (containerd, core/snapshots/snapshotter.go).
 *
 * ## The life of a snapshot
 *
 *     prepare(key, parent?) ──> active ──commit(name, key)──> committed ──remove(name)──> gone
 *                                 │                               ^
 *                                 └──remove(key)──> gone          │ parent of
 *     view(key, parent)     ──> view ──remove(key)──> gone        └── active, view, committed
 *
 * Keys and names share one set: `exists` for one that is taken. A parent is always committed (`invalid` otherwise), and
 * cannot be removed while it is one (`conflict`). `commit` turns the key into the name: the key is unknown afterwards.
 * What is named and not there is `not-found`.
 *
 * A layer's content comes into an active snapshot by `apply`, or by whoever mounts it. Several processes use one
 * snapshotter at once; one that dies leaves nothing that `cleanup` of the next one does not find.
 */
export interface Snapshotter {
  /** `erofs`, `overlay`, `native`, `btrfs`, `blockfile`, or the name of an external one. */
  readonly name: string;
  /** `commit` takes the parent of what was prepared without one, so that layers are applied side by side. */
  readonly rebases: boolean;
  /** It may have layers by itself, where `prepare` is given {@link LABEL_SNAPSHOT_REF}. Absent: it never does. */
  readonly fetches?: boolean;
  stat(key: string): Promise<SnapshotInfo>;
  /** Sets labels, and removes those that are undefined. */
  update(key: string, labels: Readonly<Record<string, string | undefined>>): Promise<SnapshotInfo>;
  usage(key: string): Promise<SnapshotUsage>;
  /** Of an active snapshot or a view, as `prepare` and `view` gave them. */
  mounts(key: string): Promise<readonly SnapshotMount[]>;
  prepare(key: string, parent: string | undefined, options?: PrepareOptions): Promise<readonly SnapshotMount[]>;
  view(key: string, parent: string | undefined, options?: SnapshotOptions): Promise<readonly SnapshotMount[]>;
  /**
   * Writes a layer's entries into an active snapshot that holds nothing of its own yet. The entries are used up to their
   * end; an error of theirs, such as a wrong digest, rejects this call, and the snapshot is to be removed then.
   *
   * Where entries concern layers below that a snapshot without a parent does not know (a path through a link of theirs, a
   * hard link to a file of theirs), `apply` or `commit` throws `unsupported`, unless the snapshotter can settle it at
   * commit; the layer is to be applied again then, to a snapshot that was prepared on its parent.
   *
   * @throws OrlopError `invalid`, `unsupported`, `exhausted`
   */
  apply(key: string, entries: LayerEntries): Promise<void>;
  commit(name: string, key: string, options?: CommitOptions): Promise<void>;
  remove(key: string): Promise<void>;
  walk(): AsyncIterable<SnapshotInfo>;
  /** Removes what dead processes and removed snapshots have left on the disk. */
  cleanup(): Promise<void>;
  close(): Promise<void>;
}
