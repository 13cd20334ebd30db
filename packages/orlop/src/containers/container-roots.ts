import { OrlopError, type Snapshotter } from "@orlop/core";
import type { ContainerRoot, RootStore } from "@orlop/engine";
import { rootFilesystem } from "@orlop/snapshot";
import type { ImageRoot } from "../image/image.ts";
import { hostRoot, plainRoot } from "../image/plain-root.ts";
import { snapshotKey } from "../image/snapshot-key.ts";
import type { Depot } from "../store/open-depot.ts";

/** Root file systems of containers: snapshots of a depot, and directories of this machine as they are now. */
export class ContainerRoots implements RootStore {
  readonly #depot: Depot;
  readonly #rootless: boolean;

  constructor(depot: Depot, rootless: boolean) {
    this.#depot = depot;
    this.#rootless = rootless;
  }

  async open(root: ContainerRoot): Promise<ImageRoot> {
    switch (root.kind) {
      case "host":
        return hostRoot(this.#rootless);
      case "directory":
        return plainRoot(root.path, root.writable, this.#rootless);
      case "snapshot": {
        const snapshotter = await this.#depot.snapshotterOf(root.snapshotter);
        const mounts = await snapshotter.mounts(root.key);
        return { rootfs: rootFilesystem(mounts), mounts: [] };
      }
    }
  }

  async remove(root: ContainerRoot): Promise<void> {
    if (root.kind === "snapshot") await removeIfThere(await this.#depot.snapshotterOf(root.snapshotter), root.key);
  }

  async discard(id: string): Promise<void> {
    for (const { name } of (await this.#depot.parts()).snapshots) {
      await removeIfThere(await this.#depot.snapshotterOf(name), snapshotKey(id));
    }
  }
}

async function removeIfThere(snapshotter: Snapshotter, key: string): Promise<void> {
  try {
    await snapshotter.remove(key);
  } catch (error) {
    if (!(error instanceof OrlopError) || error.code !== "not-found") throw error;
  }
}
