import type { Labels, LayerEntry, Snapshotter } from "@orlop/core";

/** Labels of a snapshot of whose layer something is missing begin so. */
const LABEL = "orlop.io/snapshot.lost";
const SENTENCES = {
  devices: "devices of the image were not made",
  owners: "files of the image belong to its root instead, because an ordinary user has no other",
  attributes: "extended attributes of the image were not set",
} as const;
type LossKind = keyof typeof SENTENCES;

/** Examples that a sentence shows. */
const EXAMPLES_MAX = 3;
/** Attributes that every owner of a file may set (xattr(7)); others need a capability. */
const ANYBODYS = /^(?:user\.|system\.posix_acl_)/;

/** The extended attributes that an ordinary user can set. */
export function anybodysXattrs(xattrs: ReadonlyMap<string, Buffer>): ReadonlyMap<string, Buffer> {
  return new Map([...xattrs].filter(([name]) => ANYBODYS.test(name)));
}

/** What an ordinary user does not get of a layer: owners, devices, and attributes that are for root to set. */
export class LayerLosses {
  readonly #found = new Map<LossKind, { count: number; readonly examples: string[] }>();

  note({ kind, path, uid, gid, xattrs }: LayerEntry): void {
    if (/(?:^|\/)\.wh\.[^/]*$/.test(path)) return;
    const isDevice = kind === "character-device" || kind === "block-device";
    // A container has a /dev of its own.
    if (isDevice && !/^(?:\.?\/)*dev\//.test(path)) this.#add("devices", path);
    if (!isDevice && (uid !== 0 || gid !== 0)) this.#add("owners", `${path} of ${uid}:${gid}`);
    for (const name of xattrs.keys()) {
      // Where the kernel has no SELinux its labels mean nothing.
      if (!ANYBODYS.test(name) && name !== "security.selinux") this.#add("attributes", `${name} of ${path}`);
    }
  }

  labels(): Labels {
    const each = [...this.#found].flatMap(([kind, { count, examples }]) => [
      [`${LABEL}.${kind}.count`, `${count}`] as const,
      [`${LABEL}.${kind}.examples`, JSON.stringify(examples)] as const,
    ]);
    return Object.fromEntries(each);
  }

  #add(kind: LossKind, example: string): void {
    const found = this.#found.get(kind) ?? { count: 0, examples: [] };
    this.#found.set(kind, found);
    found.count++;
    if (found.examples.length < EXAMPLES_MAX) found.examples.push(example);
  }
}

/** What a snapshot and those below it do not have of their layers, in sentences for a user. */
export async function snapshotLosses(snapshotter: Snapshotter, name: string | undefined): Promise<readonly string[]> {
  const chain: Labels[] = [];
  for (let at = name; at !== undefined; ) {
    const { labels, parent } = await snapshotter.stat(at);
    chain.unshift(labels);
    at = parent;
  }
  return Object.entries(SENTENCES).flatMap(([kind, sentence]) => {
    const counts = chain.map((labels) => Number(labels[`${LABEL}.${kind}.count`] ?? 0));
    const count = counts.reduce((sum, each) => sum + each, 0);
    if (count === 0) return [];
    const all = chain.flatMap((labels) => JSON.parse(labels[`${LABEL}.${kind}.examples`] ?? "[]") as readonly string[]);
    const examples = all.slice(0, EXAMPLES_MAX).join(", ");
    return [`${count} ${sentence} (${examples}${count > EXAMPLES_MAX ? ", ..." : ""})`];
  });
}
