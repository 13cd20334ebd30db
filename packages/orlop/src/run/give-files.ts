import { constants, type Stats } from "node:fs";
import { type FileHandle, lchown, lstat, open, readdir, realpath } from "node:fs/promises";
import { OrlopError } from "@orlop/core";
import { systemFailure } from "@orlop/kernel";
import type { FileOwner, RequestedMount } from "./requested-mount.ts";

/** Each level holds a descriptor. */
const DEPTH_MAX = 256;

/** What belongs to the machine; with whatever else is directly below its root. */
const MACHINES: ReadonlySet<string> = new Set([
  ...["/etc/passwd", "/etc/pki", "/usr/bin", "/usr/include", "/usr/lib", "/usr/lib64", "/usr/local", "/usr/sbin"],
  ...["/usr/share", "/usr/src", "/var/cache", "/var/lib", "/var/log", "/var/run", "/var/spool", "/var/tmp"],
]);

/**
 * Gives the files of those mounts that ask for it to the container's user, with all that is below them. Whoever may write there
 * meanwhile can have nothing else given away: no link is followed, and no directory that is put in the place of another.
 *
 * @param user by the ids that the container has
 * @throws OrlopError
 */
export async function giveFiles(
  mounts: readonly RequestedMount[],
  user: FileOwner,
  machine: { readonly rootless: boolean; readonly uid: number; readonly gid: number },
): Promise<void> {
  for (const { mount, isGiven } of mounts) {
    if (isGiven !== true || mount.source === undefined) continue;
    const path = mount.source;
    const failed = `give "${path}" to user ${user.uid}`;
    // An ordinary user's container has one user and one group, and others have been refused by now.
    const owner = machine.rootless ? { uid: machine.uid, gid: machine.gid } : { uid: user.uid, gid: user.gid };
    try {
      await refuseMachines(path, failed);
      await giveTree(path, owner);
    } catch (error) {
      throw error instanceof OrlopError ? error : systemFailure(failed, error, "mounts");
    }
  }
}

async function refuseMachines(path: string, failed: string): Promise<void> {
  const real = await realpath(path);
  if (!MACHINES.has(real) && real.split("/").length > 2) return;
  const what = "it is the machine's, whose programs would not find it theirs any more";
  throw new OrlopError("denied", `Cannot ${failed}: ${what}\nTry chown, if it is meant so.`, { field: "mounts" });
}

async function giveTree(path: string, owner: FileOwner): Promise<void> {
  const real = await realpath(path);
  const found = await lstat(real);
  if (found.isDirectory()) await giveDirectory(Buffer.from(real), owner, 0);
  else await give(Buffer.from(real), found, owner);
}

/** The directory itself, and everything in it, by descriptors: a path could lead elsewhere from one call to the next. */
async function giveDirectory(path: Buffer, owner: FileOwner, depth: number): Promise<void> {
  if (depth > DEPTH_MAX)
    throw new OrlopError("exhausted", `Cannot give files: more than ${DEPTH_MAX} directories deep`);
  await using directory: FileHandle = await open(
    path,
    constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW,
  );
  const place = Buffer.from(`/proc/self/fd/${directory.fd}`);
  const { uid, gid } = await directory.stat();
  if (uid !== owner.uid || gid !== owner.gid) await directory.chown(owner.uid, owner.gid);
  for (const name of await readdir(place, { encoding: "buffer" })) {
    const entry = Buffer.concat([place, Buffer.from("/"), name]);
    const found = await lstat(entry).catch(unlessGone);
    if (found === undefined) continue;
    if (found.isDirectory()) await giveDirectory(entry, owner, depth + 1);
    else await give(entry, found, owner);
  }
}

/** What has an owner already keeps its bits: giving a program away takes those from it that give rights. */
async function give(path: Buffer, { uid, gid }: Stats, owner: FileOwner): Promise<void> {
  if (uid === owner.uid && gid === owner.gid) return;
  await lchown(path, owner.uid, owner.gid).catch(unlessGone);
}

function unlessGone(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}
