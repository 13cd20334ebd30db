import { OrlopError } from "@orlop/core";
import type { Volume, Volumes } from "@orlop/engine";
import { diskUsage } from "@orlop/snapshot";

interface PrunedVolumes {
  readonly removed: readonly string[];
  readonly freedBytes: number;
}

/** Removes volumes that no container uses, as far as they suit. Somebody may begin to use one meanwhile. */
export async function pruneVolumes(
  volumes: Pick<Volumes, "list" | "users" | "remove">,
  suits: (volume: Volume) => boolean,
): Promise<PrunedVolumes> {
  const removed: string[] = [];
  let freedBytes = 0;
  for (const volume of volumes.list()) {
    if (!suits(volume) || volumes.users(volume.name).length > 0) continue;
    const { sizeBytes } = await diskUsage([volume.path]);
    try {
      await volumes.remove(volume.name);
    } catch (error) {
      if (!(error instanceof OrlopError) || (error.code !== "not-found" && error.code !== "conflict")) throw error;
      continue;
    }
    removed.push(volume.name);
    freedBytes += sizeBytes;
  }
  return { removed, freedBytes };
}
