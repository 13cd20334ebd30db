import { LABEL_GC_REF_CONTENT, LABEL_GC_REF_SNAPSHOT, type Labels, type LeaseResource } from "@orlop/core";

/** One string for each resource. */
export function resourceId(resource: LeaseResource): string {
  return resource.kind === "content" ? resource.digest : snapshotId(resource.snapshotter, resource.key);
}

/** Digests have no blanks. */
export function snapshotId(snapshotter: string, key: string): string {
  return `${snapshotter} ${key}`;
}

const CONTENT = new RegExp(`^${LABEL_GC_REF_CONTENT.replaceAll(".", "\\.")}(?:[./]|$)`);
const SNAPSHOT = new RegExp(`^${LABEL_GC_REF_SNAPSHOT.replaceAll(".", "\\.")}\\.([^/]+)`);

/** Ids of what labels refer to, by containerd's rules: a name for each reference may follow behind a dot or a slash. */
export function labelReferences(labels: Labels): readonly string[] {
  return Object.entries(labels).flatMap(([name, value]) => {
    if (CONTENT.test(name)) return [value];
    const snapshotter = SNAPSHOT.exec(name)?.[1];
    return snapshotter === undefined ? [] : [snapshotId(snapshotter, value)];
  });
}
