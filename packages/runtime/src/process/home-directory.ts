import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from "node:fs";
import { dirname, join } from "node:path";
import type { OverlayLayer, Process, RootFilesystem, RuntimeSpec, TreeEntry } from "@orlop/core";
import { followLinks } from "./follow-links.ts";
import { linkTarget } from "./host-view.ts";
import { mountPlace } from "./mount-sources.ts";

const PASSWD = "/etc/passwd";

/** Of the container, on the host: below a root of its own, out of which no link leads. */
export interface PasswdFile {
  readonly root: string;
  readonly path: string;
}

/** A larger /etc/passwd is not read. */
const PASSWD_MAX_BYTES = 1024 * 1024;

/**
 * `process` with HOME, from the container's /etc/passwd, where the config gives none; `/` for an unknown user. Of a
 * variable that is given more than once the last value counts, as with runc and crun, and the program sees no other.
 */
export function withHome(process: Process, files: readonly PasswdFile[]): Process {
  const env = lastOfEach(process.env ?? []);
  if (env.some((entry) => entry.startsWith("HOME=") && entry !== "HOME=")) return { ...process, env };
  const kept = env.filter((entry) => !entry.startsWith("HOME="));
  return { ...process, env: [...kept, `HOME=${homeOf(process.user.uid, files)}`] };
}

function lastOfEach(env: readonly string[]): readonly string[] {
  return [...new Map(env.map((entry) => [entry.split("=", 1)[0], entry])).values()];
}

/**
 * Files of the host that may be the container's /etc/passwd, the likeliest first: what is mounted there, else what the
 * root file system has, uppermost layer first. None when the container does not see one.
 */
export function passwdFiles({ mounts = [], linux }: RuntimeSpec, rootfs: RootFilesystem): readonly PasswdFile[] {
  const covers = (path: string): boolean => PASSWD === path || PASSWD.startsWith(`${path.replace(/\/+$/, "")}/`);
  if ((linux?.maskedPaths ?? []).some(covers)) return [];
  const mount = mounts.findLast((each) => mountPlace(each) !== "/" && covers(mountPlace(each)));
  if (mount !== undefined) {
    const isBind =
      mount.type === "bind" || (mount.options ?? []).some((option) => option === "bind" || option === "rbind");
    return isBind ? [{ root: mount.source ?? "", path: PASSWD.slice(mountPlace(mount).length) }] : [];
  }
  return rootsOf(rootfs).map((root) => ({ root, path: PASSWD }));
}

/** What is in an image cannot be read before it is mounted: who has such layers knows HOME. */
function layerDirectories(layers: readonly OverlayLayer[]): readonly string[] {
  return layers.filter((layer) => typeof layer === "string");
}

function rootsOf(rootfs: RootFilesystem): readonly string[] {
  switch (rootfs.kind) {
    case "directory":
      return [rootfs.path];
    case "overlay":
      return [...(rootfs.writes === "discard" ? [] : [rootfs.writes.upper]), ...layerDirectories(rootfs.lower)];
    // It cannot be read before it is mounted: who has such a root knows HOME.
    case "disk":
      return [];
    case "tree":
      return [...rootfs.entries.flatMap(rootsOfEntry), ...(rootfs.base === undefined ? [] : rootsOf(rootfs.base))];
  }
}

function rootsOfEntry(entry: TreeEntry): readonly string[] {
  if (entry.path !== "etc") return [];
  const source = entry.kind === "overlay" ? entry.lower : entry.kind === "bind" ? entry.source : undefined;
  return source?.endsWith("/etc") ? [source.slice(0, -"/etc".length) || "/"] : [];
}

function homeOf(uid: number, files: readonly PasswdFile[]): string {
  for (const file of files) {
    const text = readPasswd(file);
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
 * The file, if it is a plain one in a plain directory, with links of its path followed inside the root. The worst that a
 * race with one can do is a wrong HOME.
 */
function readPasswd({ root, path: named }: PasswdFile): string | undefined {
  const path = join(root, followLinks(root, named, linkTarget) ?? named);
  let fd: number | undefined;
  try {
    // Nothing is written yet to most, and an error takes a while to make.
    if (lstatSync(dirname(path), { throwIfNoEntry: false })?.isDirectory() !== true) return undefined;
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
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
