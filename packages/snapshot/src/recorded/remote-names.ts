import { LABEL_SNAPSHOT_REF, type Labels, type SnapshotInfo } from "@orlop/core";
import type { SnapshotRecord } from "../store/snapshot-records.ts";

/** Of a row whose snapshot the other one has under a name of its own. */
const LABEL_NAME = "orlop.io/snapshot.remote-name";
/** Given along to what the other one may name itself: whose it is. Of those that it keeps, by their beginning. */
const LABEL_NAMESPACE = "containerd.io/snapshot/orlop.namespace";
const INHERITED = "containerd.io/snapshot/";

/**
 * How the other one knows the snapshots of rows: `namespace/id/key`, as containerd's metadata has it, or by a name that it has
 * chosen. The id stays when a key becomes a name.
 */
export class RemoteNames {
  readonly #namespace: string;

  constructor(namespace: string) {
    this.#namespace = namespace;
  }

  of({ id, info: { key, labels } }: SnapshotRecord): string {
    return labels[LABEL_NAME] ?? this.named(id, key);
  }

  named(id: number, key: string): string {
    return `${this.#namespace}/${id}/${key}`;
  }

  /** Labels of a row that the other one gets to know (containerd, FilterInheritedLabels). */
  labels(labels: Labels = {}): Labels {
    const some = Object.entries(labels).filter(([name]) => name === LABEL_SNAPSHOT_REF || name.startsWith(INHERITED));
    const isNamed = LABEL_SNAPSHOT_REF in labels;
    return { ...Object.fromEntries(some), ...(isNamed ? { [LABEL_NAMESPACE]: this.#namespace } : {}) };
  }

  /** Labels of a row for what the other one has named. */
  labelsOf(name: string, labels: Labels): Labels {
    return { ...labels, [LABEL_NAME]: name };
  }

  /** Snapshots of these rows' that no row knows any more, those above others first. */
  unknown(found: readonly SnapshotInfo[], records: readonly SnapshotRecord[]): readonly string[] {
    const known = new Set(records.map((each) => this.of(each)));
    // A commit may be under way, and its row not know of it yet.
    const active = new Set(records.flatMap(({ id, info }) => (info.kind === "active" ? [this.named(id, "")] : [])));
    const isUnknown = ({ key, labels }: SnapshotInfo): boolean => {
      const prefix = key.startsWith(`${this.#namespace}/`) ? (/^[^/]*\/\d+\//.exec(key)?.[0] ?? "") : undefined;
      if (prefix === undefined && labels[LABEL_NAMESPACE] !== this.#namespace) return false;
      return !known.has(key) && (prefix === undefined || !active.has(prefix));
    };
    return childrenFirst(found.filter(isUnknown));
  }
}

function childrenFirst(infos: readonly SnapshotInfo[]): readonly string[] {
  const children = new Map<string, string[]>();
  for (const { key, parent } of infos) {
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), key]);
  }
  const entered = new Set<string>();
  const ordered = new Set<string>();
  const left = infos.map(({ key }) => key);
  for (let key = left.pop(); key !== undefined; key = left.pop()) {
    if (entered.has(key)) ordered.add(key);
    else {
      entered.add(key);
      left.push(key, ...(children.get(key) ?? []).filter((child) => !entered.has(child)));
    }
  }
  return [...ordered];
}
