import { type Labels, OrlopError, type SnapshotInfo, type SnapshotKind, type SnapshotMount } from "@orlop/core";
import type { Decoded, Encodable } from "@orlop/core/protobuf";
import type { SnapshotsSchema } from "./snapshots-api.ts";

type InfoMessage = Decoded<SnapshotsSchema, "Info">;
type Timestamp = Decoded<SnapshotsSchema, "Timestamp">;

/** enum Kind; there is a 0 for none of them. */
const KINDS: Readonly<Record<SnapshotKind, number>> = { view: 1, active: 2, committed: 3 };
const KIND_NAMES: ReadonlyMap<number, SnapshotKind> = new Map(
  Object.entries(KINDS).map(([name, number]) => [number, name as SnapshotKind]),
);

export function encodeInfo({
  key,
  kind,
  parent,
  labels,
  createdAtMs,
  updatedAtMs,
}: SnapshotInfo): Encodable<SnapshotsSchema, "Info"> {
  const times = { createdAt: encodeTime(createdAtMs), updatedAt: encodeTime(updatedAtMs) };
  return { name: key, parent, kind: KINDS[kind], labels, ...times };
}

/** @throws OrlopError `failed` for what is no snapshot */
export function decodeInfo(info: InfoMessage | undefined): SnapshotInfo {
  const kind = KIND_NAMES.get(info?.kind ?? 0);
  if (info === undefined || kind === undefined || info.name === "") {
    throw new OrlopError(
      "failed",
      `Cannot use snapshot "${info?.name ?? ""}": it has no name, or a kind that is unknown`,
    );
  }
  return {
    kind,
    key: info.name,
    ...(info.parent === "" ? {} : { parent: info.parent }),
    labels: info.labels,
    createdAtMs: decodeTime(info.createdAt),
    updatedAtMs: decodeTime(info.updatedAt),
  };
}

export function decodeMounts(mounts: readonly Decoded<SnapshotsSchema, "Mount">[]): readonly SnapshotMount[] {
  return mounts.map(({ target, ...mount }) => (target === "" ? mount : { ...mount, target }));
}

const LABELS = "labels";
const ONE_LABEL = "labels.";

export type LabelChanges = Readonly<Record<string, string | undefined>>;

/** Changes as fields of an info that are to be taken over: one that is named and has no value is removed. */
export function encodeChanges(changes: LabelChanges): {
  readonly labels: Labels;
  readonly paths: readonly string[];
} {
  const given = Object.entries(changes).filter((each): each is [string, string] => each[1] !== undefined);
  return { labels: Object.fromEntries(given), paths: Object.keys(changes).map((name) => `${ONE_LABEL}${name}`) };
}

/**
 * The reverse, on labels as they are: a path names one label or all of them, and no path at all all of them, too.
 *
 * @throws OrlopError `invalid` for a field that cannot be changed
 */
export function decodeChanges(present: Labels, labels: Labels, paths: readonly string[]): LabelChanges {
  const changes = new Map<string, string | undefined>();
  for (const path of paths.length === 0 ? [LABELS] : paths) {
    if (path.startsWith(ONE_LABEL)) change(path.slice(ONE_LABEL.length));
    else if (path === LABELS) for (const name of Object.keys({ ...present, ...labels })) change(name);
    else throw new OrlopError("invalid", `Cannot update field "${path}" of snapshot: only labels can be changed`);
  }
  function change(name: string): void {
    const value = Object.hasOwn(labels, name) ? labels[name] : "";
    changes.set(name, value === "" ? undefined : value);
  }
  return Object.fromEntries(changes);
}

const MILLISECONDS = 1000;
const NANOSECONDS = 1_000_000;

function encodeTime(atMs: number): Encodable<SnapshotsSchema, "Timestamp"> {
  const seconds = Math.floor(atMs / MILLISECONDS);
  return { seconds: BigInt(seconds), nanos: Math.round((atMs - seconds * MILLISECONDS) * NANOSECONDS) };
}

function decodeTime(time: Timestamp | undefined): number {
  if (time === undefined) return 0;
  return Number(time.seconds) * MILLISECONDS + Math.floor(time.nanos / NANOSECONDS);
}
