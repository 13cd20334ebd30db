import { execFile } from "node:child_process";
import { rmdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { OrlopError } from "@orlop/core";
import { type DiskMount, findProgram } from "@orlop/kernel";
import type { SystemCalls } from "../system/system-calls.ts";
import type { DiskType } from "./disk-settings.ts";
import { openDisk } from "./open-disk.ts";

const MEBIBYTE = 1024 ** 2;
/** A smaller one has as much of a journal as mke2fs gives it. */
const JOURNAL_MIN_BYTES = 128 * MEBIBYTE;
/** mkfs.xfs makes no smaller ones. */
const XFS_MIN_BYTES = 300 * MEBIBYTE;

/** The programs that make file systems, and the Debian package that each is in. */
const PROGRAMS = {
  ext4: { program: "mke2fs", package: "e2fsprogs" },
  xfs: { program: "mkfs.xfs", package: "xfsprogs" },
} as const;

/**
 * Of ext4 no inode table or journal is written, as the disk is zeros: 10 GiB take 0.3 MB. All blocks are for everybody, a small
 * journal will do for one container, and inodes have times to the nanosecond.
 */
function argumentsFor(type: DiskType, sizeBytes: number): readonly string[] {
  if (type === "xfs") return ["-q", "-f"];
  const journal = sizeBytes < JOURNAL_MIN_BYTES ? [] : ["-J", "size=16"];
  const lazy = "lazy_itable_init=1,lazy_journal_init=1";
  return [
    "-q",
    "-F",
    "-t",
    "ext4",
    "-m",
    "0",
    "-b",
    "4096",
    "-I",
    "256",
    "-O",
    "^resize_inode",
    "-E",
    lazy,
    ...journal,
  ];
}

/** Options of mount(8): copies of a disk have the same UUID, which XFS does not like. */
export function diskOptions(type: DiskType): readonly string[] {
  return type === "xfs" ? ["nouuid"] : [];
}

/** @throws OrlopError `unsupported` where there is no file system so small */
export function checkDiskSize(path: string, type: DiskType, sizeBytes: number): void {
  if (type !== "xfs" || sizeBytes >= XFS_MIN_BYTES) return;
  const what = `XFS has at least ${XFS_MIN_BYTES} bytes, and this is ${sizeBytes}\nTry ext4.`;
  throw new OrlopError("unsupported", `Cannot make file system in "${path}": ${what}`);
}

/** What is in the way of making file systems of a type; undefined: nothing. */
export function makerObstacle(type: DiskType): string | undefined {
  const { program, package: name } = PROGRAMS[type];
  return findProgram(program) === undefined ? `it needs ${program}, which is in the package ${name}` : undefined;
}

/** An empty file system, with nothing but its root directory, on a disk of zeros. */
export async function makeFileSystem(
  system: SystemCalls,
  disk: DiskMount & { readonly type: DiskType },
  sizeBytes: number,
): Promise<void> {
  const { type, source } = disk;
  const obstacle = makerObstacle(type);
  const program = findProgram(PROGRAMS[type].program);
  if (obstacle !== undefined || program === undefined) {
    throw new OrlopError("unsupported", `Cannot make file system of type ${type}: ${obstacle}`);
  }
  try {
    await promisify(execFile)(program, [...argumentsFor(type, sizeBytes), source]);
  } catch (error) {
    const { stderr = "", message } = error as Error & { readonly stderr?: string };
    const full = /No space left/.test(stderr);
    const [words = message] = stderr.trim().split("\n").slice(-1);
    throw new OrlopError(full ? "exhausted" : "failed", `Cannot make file system in "${source}": ${words}`, {
      cause: error,
    });
  }
  if (type !== "ext4") return;
  using made = await openDisk(system, disk);
  rmdirSync(join(made.path, "lost+found"));
}
