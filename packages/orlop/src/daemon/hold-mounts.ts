import { close, openSync, statSync } from "node:fs";
import { isAbsolute } from "node:path";
import type { CreateRequest, Mount, RootFilesystem } from "@orlop/core";

/** Mounts of these types show no file system that somebody could want to take out of the machine. */
const OF_THE_KERNEL: ReadonlySet<string> = new Set([
  ...["cgroup", "cgroup2", "devpts", "mqueue", "proc", "sysfs", "tmpfs"],
]);

/**
 * Has the mounts of a container outlive it for the moment that its end takes to be told: with the last process of a mount
 * namespace the kernel takes all of them apart, for which it waits twice for every processor, before anybody hears of the
 * end. On a busy machine that is milliseconds. Who has the namespace open does that instead, on another thread.
 *
 * Nothing is held where a file system would be in use for longer than the call that somebody could have unmounted or removed
 * after it, and nothing where this process may not.
 *
 * @param pid of its init
 * @param until the call has ended for who waits for it
 */
export function holdMounts(pid: number, request: CreateRequest, stateDirectory: string, until: Promise<void>): void {
  let namespace: number;
  try {
    // At once: it may end any moment.
    namespace = openSync(`/proc/${pid}/ns/mnt`, "r");
  } catch {
    return;
  }
  const letGo = (): void => close(namespace, () => {});
  if (stayInUse(request, stateDirectory)) void until.then(letGo);
  else letGo();
}

/** Whether all that the mounts of a container show is in use for as long as this machine or its state directory is. */
export function stayInUse({ rootfs, spec: { mounts = [] } }: CreateRequest, stateDirectory: string): boolean {
  const shown = [...shownByRoot(rootfs), ...mounts.flatMap(shownByMount)];
  return shown.every((path) => path?.startsWith(`${stateDirectory}/`) === true || isOnOwnDisk(path));
}

/** Paths of this machine; undefined for what is none, or has another below it that is shown as well. */
function shownByRoot(rootfs: RootFilesystem | undefined): readonly (string | undefined)[] {
  switch (rootfs?.kind) {
    case "directory":
      return [rootfs.path];
    case "overlay":
      return [
        ...rootfs.lower.map((layer) => (typeof layer === "string" ? layer : layer.erofs)),
        ...(rootfs.writes === "discard" ? [] : [rootfs.writes.upper]),
      ];
    default:
      return [undefined];
  }
}

function shownByMount({ type, source, options = [] }: Mount): readonly (string | undefined)[] {
  if (options.includes("rbind")) return [undefined];
  if (options.includes("bind")) return [source];
  return type !== undefined && OF_THE_KERNEL.has(type) ? [] : [undefined];
}

function isOnOwnDisk(path: string | undefined): boolean {
  if (path === undefined || !isAbsolute(path)) return false;
  if (HELD_LAYER.test(path)) return true;
  return statSync(path, { throwIfNoEntry: false })?.dev === ownDisk();
}

/** A process holds it for the next container anyway. */
const HELD_LAYER = /^\/proc\/[1-9]\d*\/fd\/[1-9]\d*$/;

let disk: number | undefined;

function ownDisk(): number {
  disk ??= statSync("/").dev;
  return disk;
}
