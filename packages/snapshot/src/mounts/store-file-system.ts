import { statfsSync } from "node:fs";
import { existingAncestor } from "../system/existing-ancestor.ts";

/**
 * include/uapi/linux/magic.h: file systems that overlay takes for what is below and not for what is written, as they have no
 * whiteouts, or are none that stays as it is below overlay (overlayfs.rst, "Upper and Lower").
 */
const WITHOUT_UPPER: ReadonlyMap<number, string> = new Map([
  [0x794c_7630, "overlay"],
  [0x6969, "NFS"],
  [0xff53_4d42, "CIFS"],
  [0xfe53_4d42, "SMB"],
  [0x0102_1997, "9p"],
]);
const TMPFS_MAGIC = 0x0102_1994;

/** The type of the file system that a directory is on, or will be, as statfs(2) has it. */
export function fileSystemType(directory: string): number {
  return statfsSync(existingAncestor(directory)).type;
}

/** Why what is written on a file system of this type cannot lie over layers, in words that fit after "because". */
export function upperObstacle(type: number): string | undefined {
  const name = WITHOUT_UPPER.get(type);
  return name === undefined ? undefined : `the kernel's overlay does not write to ${name}, where images are kept`;
}

/** Why the kernel mounts no images from files on a file system of this type that has no {@link upperObstacle}. */
export function imageObstacle(type: number): string | undefined {
  return type === TMPFS_MAGIC ? "the kernel mounts no images from memory (tmpfs), where images are kept" : undefined;
}
