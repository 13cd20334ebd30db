import type { Snapshotter } from "@orlop/core";
import type { Container } from "@orlop/engine";
import { chainUsage } from "../images/chain-usage.ts";

/** What a container takes on the disk, in bytes; without volumes, as docker counts. */
export interface ContainerSize {
  /** What it has written to its root file system. */
  readonly rwBytes: number;
  /** That, and the layers of its image. */
  readonly rootFsBytes: number;
}

/** Of a container of this machine's files, or of a directory, none of its own are counted. */
export async function containerSize(
  depot: { snapshotterOf(name: string): Promise<Snapshotter> },
  { root }: Pick<Container, "root">,
): Promise<ContainerSize> {
  const sizes = root.kind === "snapshot" ? await chainUsage(await depot.snapshotterOf(root.snapshotter), root.key) : [];
  return { rwBytes: sizes.at(-1) ?? 0, rootFsBytes: sizes.reduce((sum, size) => sum + size, 0) };
}
