import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import { existingAncestor } from "../system/existing-ancestor.ts";
import type { SystemCalls } from "../system/system-calls.ts";
import type { TreeLimits } from "../whole/tree-keeper.ts";
import { QuotaGroups } from "./quota-groups.ts";

/** Name of a file in the directory of a snapshot that has a limit, or should have got one. */
const LIMITED = "limited";

/**
 * Limits of snapshots by simple quotas, where these are on.
 *
 * They are not switched on here: that concerns the file system as a whole, which older kernels do not mount afterwards. The
 * full quotas of before will not do: they give up counting when much is deleted at once, and do not count what is written to
 * a subvolume that is made in a snapshot.
 */
export class BtrfsLimits implements TreeLimits {
  readonly #groups: QuotaGroups;
  readonly #place: string;

  /** `place` is where the directories of snapshots are, once there are any. */
  constructor(system: SystemCalls, place: string) {
    this.#groups = new QuotaGroups(system);
    this.#place = place;
  }

  async check(): Promise<void> {
    const mode = await this.#groups.mode(existingAncestor(this.#place));
    if (mode === "simple") return;
    const what = mode === "off" ? "has no quotas switched on" : "has full quotas, and only simple ones hold";
    throw new OrlopError(
      "unsupported",
      `Cannot limit snapshot: the btrfs of "${this.#place}" ${what}\n` +
        "Try btrfs quota enable --simple, which needs Linux 6.7 and btrfs-progs 6.7.",
    );
  }

  async set(directory: string, sizeMaxBytes: number): Promise<void> {
    writeFileSync(join(directory, LIMITED), "");
    await this.#groups.limit(directory, sizeMaxBytes);
  }

  async lift(directory: string): Promise<void> {
    if (existsSync(join(directory, LIMITED))) await this.#groups.lift(directory);
  }
}
