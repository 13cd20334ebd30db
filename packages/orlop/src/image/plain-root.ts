import { directoryRoot } from "./directory-root.ts";
import type { ImageRoot } from "./image.ts";

/** Directories of the host that a container has its own of. */
export const HOST_EMPTIED: readonly string[] = ["dev", "proc", "run", "sys"];

/** This machine's own root file system as it is now. */
export function hostRoot(rootless: boolean): ImageRoot {
  return directoryRoot({ path: "/", locked: rootless, emptied: HOST_EMPTIED });
}

/** A directory as it is now; what is written goes into it if it is `writable`, and is gone at the end otherwise. */
export function plainRoot(path: string, writable: boolean, rootless: boolean): ImageRoot {
  return writable
    ? { rootfs: { kind: "directory", path }, mounts: [] }
    : directoryRoot({ path, locked: rootless, emptied: [] });
}
