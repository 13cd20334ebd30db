import { randomUUID } from "node:crypto";
import { fstatSync, mkdirSync } from "node:fs";
import { OrlopError } from "@orlop/core";
import type { OpenPlace } from "../directory/root-directory.ts";
import { removeEntry } from "./host-walk.ts";

const OTHERS_MASK = 0o077;

/**
 * A directory of this process's own in one that others may write to: what is made in it is what was made, when it is given
 * attributes, owner and mode by its name, and when it is renamed. Whatever is left in it goes with it.
 */
export class StagingRoom implements Disposable {
  readonly inside: OpenPlace;
  readonly #parent: OpenPlace;
  readonly #name: string = `.orlop-${randomUUID()}`;

  /** @param parent stays open for longer. @throws OrlopError `conflict` where somebody has exchanged it at once */
  constructor(parent: OpenPlace) {
    this.#parent = parent;
    mkdirSync(`${parent.path}/${this.#name}`, { mode: 0o700 });
    const inside = parent.openSubdirectory(this.#name);
    const stat = inside && fstatSync(inside.fd);
    if (inside === undefined || stat === undefined || stat.uid !== process.geteuid?.() || stat.mode & OTHERS_MASK) {
      inside?.[Symbol.dispose]();
      throw new OrlopError(
        "conflict",
        `Cannot use directory "${this.#name}": somebody has put another one in its place`,
      );
    }
    this.inside = inside;
  }

  [Symbol.dispose](): void {
    this.inside[Symbol.dispose]();
    removeEntry(this.#parent, this.#name);
  }
}
