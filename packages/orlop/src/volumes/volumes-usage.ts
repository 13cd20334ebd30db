import type { Container, Volume } from "@orlop/engine";
import type { UsageSum } from "@orlop/image";
import { diskUsage } from "@orlop/snapshot";

/** What a volume takes on the disk, and how many containers have it. */
export interface VolumeUsage {
  readonly name: string;
  readonly links: number;
  readonly sizeBytes: number;
}

export async function volumesUsage(
  volumes: readonly Volume[],
  containers: readonly Container[],
): Promise<readonly VolumeUsage[]> {
  const links = new Map<string, number>();
  for (const container of containers) {
    for (const name of new Set(container.volumes.map((volume) => volume.name))) {
      links.set(name, (links.get(name) ?? 0) + 1);
    }
  }
  const usages: VolumeUsage[] = [];
  for (const { name, path } of volumes) {
    const { sizeBytes } = await diskUsage([path]);
    usages.push({ name, links: links.get(name) ?? 0, sizeBytes });
  }
  return usages;
}

export function volumesSum(usages: readonly VolumeUsage[]): UsageSum {
  const sum = (some: readonly VolumeUsage[]): number => some.reduce((bytes, each) => bytes + each.sizeBytes, 0);
  const unused = usages.filter(({ links }) => links === 0);
  return {
    count: usages.length,
    active: usages.length - unused.length,
    sizeBytes: sum(usages),
    reclaimableBytes: sum(unused),
  };
}
