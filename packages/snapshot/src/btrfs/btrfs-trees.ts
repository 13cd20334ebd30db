import { accessSync, constants, lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { OrlopError, type SnapshotUsage } from "@orlop/core";
import { removeTree } from "../store/remove-tree.ts";
import type { SnapshotFiles } from "../store/snapshot-driver.ts";
import type { SystemCalls } from "../system/system-calls.ts";
import { TREE, type TreeKeeper } from "../whole/tree-keeper.ts";
import { BtrfsLimits } from "./btrfs-limits.ts";
import { Subvolumes } from "./subvolumes.ts";
import { unsharedUsage } from "./unshared-usage.ts";

/** include/uapi/linux/btrfs_tree.h, BTRFS_FIRST_FREE_OBJECTID: the number of the root directory of every subvolume. */
const ROOT_INODE = 256n;

/** The directory of each snapshot a subvolume, which shares with the one it was made of what neither has changed. */
export class BtrfsTrees implements TreeKeeper {
  readonly name = "btrfs";
  readonly limits: BtrfsLimits;
  readonly #subvolumes: Subvolumes;

  /** `place` is where the directories of snapshots are, once there are any. */
  constructor(system: SystemCalls, place: string) {
    this.limits = new BtrfsLimits(system, place);
    this.#subvolumes = new Subvolumes(system);
  }

  async make(directory: string): Promise<void> {
    await this.#subvolumes.create(directory);
  }

  async copy(from: string, directory: string): Promise<void> {
    await this.#subvolumes.snapshot(from, directory);
    // Whoever committed the other may not have come to remove what was there beside.
    for (const name of readdirSync(directory)) if (name !== TREE) await removeTree(join(directory, name));
  }

  /** Subvolumes that were made in it would be empty directories in what is made of it. */
  async checkCommit(directory: string): Promise<void> {
    if ((await this.#subvolumes.countInside(directory)) === 0) return;
    throw new OrlopError(
      "unsupported",
      `Cannot commit snapshot in "${directory}": there are subvolumes of btrfs in it, which do not come along`,
    );
  }

  async seal(directory: string): Promise<void> {
    if (!isReadonly(directory)) await this.#subvolumes.setReadonly(directory, true);
  }

  async usage({ directory, below }: SnapshotFiles): Promise<SnapshotUsage> {
    return await unsharedUsage(directory, below[0]);
  }

  async remove(directory: string): Promise<void> {
    const stat = lstatSync(directory, { bigint: true, throwIfNoEntry: false });
    if (stat === undefined) return;
    if (stat.ino !== ROOT_INODE) return await removeTree(directory);
    await this.limits.lift(directory);
    await this.#destroy(directory);
  }

  /** With the subvolumes in it. */
  async #destroy(path: string): Promise<void> {
    try {
      await this.#subvolumes.destroy(path);
    } catch (error) {
      if (!(error instanceof OrlopError) || error.errno !== "ENOTEMPTY") throw error;
      await this.#subvolumes.setReadonly(path, false);
      for (const inner of subvolumesIn(path)) await this.#destroy(inner);
      await this.#subvolumes.destroy(path);
    }
  }
}

/** Those that are not in another of them. */
function* subvolumesIn(path: string): Generator<string> {
  const waiting = [path];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    for (const entry of readdirSync(at, { withFileTypes: true })) {
      if (!entry.isDirectory()) continue;
      const place = join(at, entry.name);
      if (lstatSync(place, { bigint: true }).ino === ROOT_INODE) yield place;
      else waiting.push(place);
    }
  }
}

function isReadonly(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return false;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EROFS") return true;
    throw error;
  }
}
