import type { LayerEntry } from "@orlop/core";

/** Examples that a sentence shows. */
const EXAMPLES_MAX = 3;

class Loss {
  #count = 0;
  readonly #examples: string[] = [];

  add(example: string): void {
    this.#count++;
    if (this.#examples.length < EXAMPLES_MAX) this.#examples.push(example);
  }

  sentence(what: string): readonly string[] {
    if (this.#count === 0) return [];
    const more = this.#count > this.#examples.length ? ", ..." : "";
    return [`${this.#count} ${what} (${this.#examples.join(", ")}${more})`];
  }
}

/** What an image has and its unpacked root file system has not. */
export class UnpackLosses {
  readonly #nodes = new Loss();
  readonly #owners = new Loss();
  readonly #attributes = new Loss();

  note(entry: LayerEntry, keepsOwners: boolean): void {
    const { kind, path, uid, gid } = entry;
    const isNode = kind === "character-device" || kind === "block-device" || kind === "fifo";
    // A container has a /dev of its own.
    if (isNode && !/^(\.?\/)*dev\//.test(path)) this.#nodes.add(path);
    if (!keepsOwners && !isNode && (uid !== 0 || gid !== 0)) this.#owners.add(`${path} of ${uid}:${gid}`);
    for (const name of entry.xattrs.keys()) this.#attributes.add(`${name} of ${path}`);
  }

  sentences(): readonly string[] {
    return [
      ...this.#nodes.sentence("devices and pipes of the image were not made"),
      ...this.#owners.sentence("files of the image belong to its root instead, because an ordinary user has no other"),
      ...this.#attributes.sentence("extended attributes of the image were not set"),
    ];
  }
}
