import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { resolve } from "node:path";
import { OrlopError } from "@orlop/core";
import { type DiskType, diskSettings, parseSettings } from "../disk/disk-settings.ts";
import { makerObstacle } from "../disk/make-file-system.ts";
import { TRY_FOR_ORDINARY_USERS } from "../for-ordinary-users.ts";
import type { BlockfileSettings } from "./blockfile-disks.ts";

/** include/uapi/linux/magic.h and fs/xfs/libxfs/xfs_format.h: where each says what it is. */
const MAGICS: readonly (readonly [DiskType, number, Buffer])[] = [
  ["ext4", 0x438, Buffer.from([0x53, 0xef])],
  ["xfs", 0, Buffer.from("XFSB")],
];

/** What it is opened with; nothing is made. @throws OrlopError `unsupported`, `invalid` */
export function checkBlockfile(name: string): BlockfileSettings {
  const settings = parseSettings(name, ["size", "fs", "scratch"]);
  const scratch = settings.get("scratch");
  if (scratch !== undefined && settings.size > 1) {
    throw new OrlopError("invalid", `Cannot use snapshotter "${name}": size and fs are those of the scratch file`);
  }
  if (process.geteuid?.() !== 0)
    refuse(name, "an ordinary user cannot make block devices of files", TRY_FOR_ORDINARY_USERS);
  if (!existsSync("/dev/loop-control")) refuse(name, "there are no loop devices here (/dev/loop-control)");
  if (scratch !== undefined) return scratchSettings(name, resolve(scratch));
  const disk = diskSettings(name, settings);
  const obstacle = makerObstacle(disk.type);
  if (obstacle !== undefined)
    refuse(name, obstacle, "Try to install it, or blockfile:scratch=FILE with an empty file system.");
  return disk;
}

function scratchSettings(name: string, scratch: string): BlockfileSettings {
  const start = readStart(name, scratch);
  const [type] = MAGICS.find(([, at, magic]) => start.subarray(at, at + magic.length).equals(magic)) ?? [];
  if (type === undefined) refuse(name, `"${scratch}" has no file system of type ext4 or xfs`);
  return { type, sizeBytes: 0, scratch };
}

function readStart(name: string, path: string): Buffer {
  try {
    const fd = openSync(path, "r");
    try {
      const start = Buffer.alloc(4096);
      return start.subarray(0, readSync(fd, start));
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw new OrlopError("invalid", `Cannot use snapshotter "${name}": ${(error as Error).message}`, { cause: error });
  }
}

function refuse(name: string, what: string, way = "Try erofs, overlay or native."): never {
  throw new OrlopError("unsupported", `Cannot use snapshotter "${name}": ${what}\n${way}`);
}
