import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { FileLock } from "@orlop/image";
import type { EngineContext } from "../engine-context.ts";
import type { ContainerDescription } from "./container-description.ts";

type Places = Pick<EngineContext, "directory" | "stateDirectory">;

/** Where all that a container keeps on the disk is. */
export function containerDirectory({ directory }: Places, id: string): string {
  return join(directory, "containers", id);
}

/** Where files are that are bound into it: `hosts`, `hostname`, `resolv.conf`. */
export function boundFiles(places: Places, id: string): string {
  return join(containerDirectory(places, id), "files");
}

/** The newest file of its log, or, of output that is not kept, of what passes by while it runs. */
export function outputFile(places: Places, { id, log }: Pick<ContainerDescription, "id" | "log">): string {
  return join(log.driver === "file" ? containerDirectory(places, id) : streamsDirectory(places, id), "log");
}

/** Where its FIFOs are while it runs. */
export function streamsDirectory({ stateDirectory }: Places, id: string): string {
  return join(stateDirectory, "streams", id);
}

/** Whoever changes what a container is or does holds this. It ends with its process, and its file with the container. */
export async function lockContainer({ directory }: Places, id: string, signal?: AbortSignal): Promise<Disposable> {
  return containerLock(
    directory,
    id,
    await FileLock.take(lockPath(directory, id), signal === undefined ? {} : { signal }),
  );
}

/** Whoever makes or removes a volume holds this. */
export async function lockVolume({ directory }: Places, name: string): Promise<FileLock> {
  return await FileLock.take(lockPath(directory, name, "volume"));
}

/** Undefined when somebody else holds it. */
export function tryLockContainer({ directory }: Places, id: string): Disposable | undefined {
  const lock = FileLock.try(lockPath(directory, id));
  return lock && containerLock(directory, id, lock);
}

function containerLock(directory: string, id: string, lock: FileLock): Disposable {
  return {
    [Symbol.dispose]() {
      if (existsSync(join(directory, "containers", id))) {
        lock[Symbol.dispose]();
        return;
      }
      lock.remove();
      rmSync(unmadePath({ directory }, id), { force: true });
    },
  };
}

/** What notes that there may be something of a container without a row: while it is made, and from its removal on. */
export function unmadePath({ directory }: Pick<Places, "directory">, id: string): string {
  return join(directory, "unmade", id);
}

/** Of the lock of something. */
export function lockPath(directory: string, id: string, kind = "container"): string {
  const locks = join(directory, "locks");
  mkdirSync(locks, { recursive: true, mode: 0o700 });
  return join(locks, `${kind}-${id}`);
}
