import { join } from "node:path";
import { FileLock } from "@orlop/image";
import type { EngineContext } from "../engine-context.ts";
import { lockPath } from "../state/container-places.ts";

type Places = Pick<EngineContext, "directory" | "stateDirectory">;

/** Where all that a pod keeps on the disk is. */
export function podDirectory({ directory }: Places, id: string): string {
  return join(directory, "pods", id);
}

/** Where files are that are bound into its containers: `hosts`, `hostname`, `resolv.conf`. */
export function podFiles(places: Places, id: string): string {
  return join(podDirectory(places, id), "files");
}

/** On tmpfs: names of its namespaces, and what its containers share of memory. */
export function podStateDirectory({ stateDirectory }: Places, id: string): string {
  return join(stateDirectory, "pods", id);
}

/**
 * Whoever makes or ends what a pod shares holds this. It ends with its process. Who holds a container's lock may take its
 * pod's; never the other way round.
 */
export async function lockPod({ directory }: Places, id: string): Promise<FileLock> {
  return await FileLock.take(lockPath(directory, id, "pod"));
}

/** Undefined when somebody else holds it. */
export function tryLockPod({ directory }: Places, id: string): FileLock | undefined {
  return FileLock.try(lockPath(directory, id, "pod"));
}
