import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { SnapshotUsage } from "@orlop/core";
import { ProjectLimits } from "../projects/project-limits.ts";
import { diskUsage } from "../store/disk-usage.ts";
import { removeTree } from "../store/remove-tree.ts";
import type { SnapshotFiles } from "../store/snapshot-driver.ts";
import type { SystemCalls } from "../system/system-calls.ts";
import { TREE, type TreeKeeper } from "../whole/tree-keeper.ts";
import { copyTree } from "./copy-tree.ts";

const SCRATCH = "scratch";

/** Each root file system a full copy of what it is made of, on any file system. */
export class NativeTrees implements TreeKeeper {
  readonly name = "native";
  readonly limits: ProjectLimits;
  readonly #system: SystemCalls;
  readonly #keepOwners: boolean;

  /** `place` is where the directories of snapshots are, once there are any. */
  constructor(system: SystemCalls, place: string, keepOwners: boolean) {
    this.limits = new ProjectLimits(system, place);
    this.#system = system;
    this.#keepOwners = keepOwners;
  }

  async make(directory: string, isLimited: boolean): Promise<void> {
    mkdirSync(directory, { mode: 0o711 });
    if (isLimited) await this.limits.begin(directory, [directory]);
  }

  /** All that is copied counts, as any of it can be written to, and the limit is on what comes on top. */
  async copy(from: string, directory: string, isLimited: boolean): Promise<void> {
    await this.make(directory, isLimited);
    await copyTree(join(from, TREE), join(directory, TREE), {
      system: this.#system,
      scratch: join(directory, SCRATCH),
      keepOwners: this.#keepOwners,
    });
  }

  async checkCommit(): Promise<void> {}

  async seal(): Promise<void> {}

  async usage({ directory }: SnapshotFiles): Promise<SnapshotUsage> {
    return await diskUsage([directory]);
  }

  async remove(directory: string): Promise<void> {
    await this.limits.lift(directory);
    await removeTree(directory);
  }
}
