import { existsSync, lstatSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { hostArchitecture } from "@orlop/kernel";
import type { FileKind, HostView } from "./supervision.ts";

function fileKind(path: string): FileKind | undefined {
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return undefined;
    if (stat.isDirectory()) return "directory";
    return stat.isFile() ? "file" : stat.isFIFO() ? "fifo" : "other";
  } catch {
    // The program will fail where it matters, and say why.
    return "other";
  }
}

/** What the link at `path` says; undefined where none is. */
export function linkTarget(path: string): string | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true ? readlinkSync(path) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether uid 0 here is somebody else in the initial user namespace. */
export function isInUserNamespace(): boolean {
  // The initial namespace maps every id to itself: user_namespaces(7).
  return !/^\s*0\s+0\s+4294967295\s*$/.test(readFileSync("/proc/self/uid_map", "utf8"));
}

/** This machine, as the compiler sees it. */
export function readHostView(): HostView {
  return {
    architecture: hostArchitecture(),
    uid: process.geteuid?.() ?? 0,
    gid: process.getegid?.() ?? 0,
    rootless: process.geteuid?.() !== 0 || isInUserNamespace(),
    pid: process.pid,
    lastCapability: Number(readFileSync("/proc/sys/kernel/cap_last_cap", "utf8")),
    bootId: readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(),
    apparmor: existsSync("/sys/kernel/security/apparmor"),
    selinux: existsSync("/sys/fs/selinux/enforce"),
    fileKind,
    linkTarget,
  };
}
