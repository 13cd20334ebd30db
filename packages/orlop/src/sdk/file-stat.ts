import type { Dirent, Stats } from "node:fs";

export type SandboxFileKind = "file" | "directory" | "symlink" | "other";

export interface SandboxFileStat {
  readonly kind: SandboxFileKind;
  readonly sizeBytes: number;
  /** Permission bits, with those for set-id and sticky. */
  readonly mode: number;
  /** As the sandbox numbers them for root, and as this machine does for an ordinary user's sandbox. */
  readonly uid: number;
  readonly gid: number;
  /** Unix time in milliseconds. */
  readonly modifiedAtMs: number;
}

export interface SandboxEntry {
  readonly name: string;
  readonly kind: SandboxFileKind;
}

export function kindOf(file: Pick<Dirent | Stats, "isFile" | "isDirectory" | "isSymbolicLink">): SandboxFileKind {
  if (file.isFile()) return "file";
  if (file.isDirectory()) return "directory";
  return file.isSymbolicLink() ? "symlink" : "other";
}

export function statOf(stats: Stats): SandboxFileStat {
  const { size, mode, uid, gid, mtimeMs } = stats;
  return { kind: kindOf(stats), sizeBytes: size, mode: mode & 0o7777, uid, gid, modifiedAtMs: mtimeMs };
}
