import { closeSync } from "node:fs";
import type { DiskFileSystem } from "@orlop/core";
import { type DiskMount, emitDiskMount } from "@orlop/kernel";
import { SystemCalls } from "../system/system-calls.ts";

/** A file system that only this process, and those that it tells of the path, can look into: it is attached nowhere. */
export interface OpenDisk extends Disposable {
  /** Of its root, for every process that may look into this one; no longer there once it is disposed of. */
  readonly path: string;
}

/**
 * Mounts a disk for this process alone: with the process everything of it is gone, however that ends. Where a disk is mounted
 * elsewhere it is the same file system, with what is written there.
 *
 * @throws OrlopError what the kernel says to the mount
 */
export async function openDisk(system: SystemCalls, disk: DiskMount): Promise<OpenDisk> {
  const fd = await system.openDirectory(`open the ${disk.type} of "${disk.source}"`, (p) => {
    const mount = p.slot("mount");
    emitDiskMount(p, disk, mount);
    return mount;
  });
  // With a slash it is never the link itself that is looked at.
  return { path: `/proc/${process.pid}/fd/${fd}/`, [Symbol.dispose]: () => closeSync(fd) };
}

/** The same of a root file system, for who makes no other system calls. */
export async function openDiskRoot(rootfs: DiskFileSystem): Promise<OpenDisk> {
  using system = new SystemCalls();
  return await openDisk(system, rootfs);
}
