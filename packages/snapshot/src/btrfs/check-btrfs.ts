import { statfsSync } from "node:fs";
import { OrlopError } from "@orlop/core";
import { TRY_FOR_ORDINARY_USERS } from "../for-ordinary-users.ts";
import { existingAncestor } from "../system/existing-ancestor.ts";

/** include/uapi/linux/magic.h */
const BTRFS_SUPER_MAGIC = 0x9123683e;

/**
 * @param directory need not be there yet
 * @throws OrlopError `unsupported` where there can be no subvolumes of this user's in a directory
 */
export function checkBtrfs(directory: string): void {
  if (process.geteuid?.() !== 0) refuse("an ordinary user cannot remove subvolumes", TRY_FOR_ORDINARY_USERS);
  if (statfsSync(existingAncestor(directory)).type !== BTRFS_SUPER_MAGIC)
    refuse(`"${directory}" is not on a file system of type btrfs`);
}

function refuse(what: string, way = "Try erofs, overlay or native."): never {
  throw new OrlopError("unsupported", `Cannot use snapshotter "btrfs": ${what}\n${way}`);
}
