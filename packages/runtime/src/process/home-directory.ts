import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import type { Process, RootFilesystem } from "@orlop/core";

/** A larger /etc/passwd is not read. */
const PASSWD_MAX_BYTES = 1024 * 1024;

/** `process` with HOME, from the container's /etc/passwd, where the config gives none; `/` for an unknown user. */
export function withHome(process: Process, roots: readonly string[]): Process {
  const { env = [], user } = process;
  if (env.some((entry) => entry.startsWith("HOME=") && entry !== "HOME=")) return process;
  const kept = env.filter((entry) => !entry.startsWith("HOME="));
  return { ...process, env: [...kept, `HOME=${homeOf(user.uid, roots)}`] };
}

/** Host directories that the container's files come from, uppermost first, as far as /etc goes. */
export function passwdRoots(rootfs: RootFilesystem): readonly string[] {
  switch (rootfs.kind) {
    case "directory":
      return [rootfs.path];
    case "overlay":
      return rootfs.writes === "discard" ? rootfs.lower : [rootfs.writes.upper, ...rootfs.lower];
    case "tree":
      return rootfs.entries.flatMap((entry) => {
        if (entry.path !== "etc") return [];
        const source = entry.kind === "overlay" ? entry.lower : entry.kind === "bind" ? entry.source : undefined;
        return source?.endsWith("/etc") ? [source.slice(0, -"/etc".length) || "/"] : [];
      });
  }
}

function homeOf(uid: number, roots: readonly string[]): string {
  for (const root of roots) {
    const text = readPasswd(root);
    if (text === undefined) continue;
    for (const line of text.split("\n")) {
      const [, , id, , , home] = line.split(":");
      if (id === String(uid) && home?.startsWith("/")) return home;
    }
    return "/";
  }
  return "/";
}

/**
 * The file, if it is a plain one in a plain directory: a link could lead out of the root, and the worst that a race with
 * one can do is a wrong HOME.
 */
function readPasswd(root: string): string | undefined {
  let fd: number | undefined;
  try {
    if (!lstatSync(join(root, "etc")).isDirectory()) return undefined;
    fd = openSync(join(root, "etc/passwd"), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stat = fstatSync(fd);
    if (!stat.isFile() || stat.size > PASSWD_MAX_BYTES) return undefined;
    const content = Buffer.alloc(stat.size);
    return content.toString("utf8", 0, readSync(fd, content));
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
