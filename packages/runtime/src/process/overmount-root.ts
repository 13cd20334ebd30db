import { emitAttach, emitNewFileSystem, parseMountOptions } from "@orlop/kernel";
import type { Compilation } from "./compilation.ts";
import type { MountEntry } from "./mount-table.ts";

/** What tells of the whole machine: seen in full, it lets anybody who makes a user namespace mount another in full. */
const REVEALING: ReadonlySet<string> = new Set(["proc", "sysfs"]);

/**
 * Where pivot_root(2) does not do, because the host's root is the initial ramdisk: puts the container's root over it, and
 * takes away what else of the host is mounted. Above the mount on "/" there is nothing that ".." could lead to, so that
 * also who may call chroot(2) stays inside; but the host's root lies below it, for who may unmount it.
 */
export function emitOvermountRoot(c: Compilation, hostMounts: readonly MountEntry[]): void {
  const { p } = c;
  const place = p.slot("place");
  p.step({ action: "put the root file system over the host's", why: "--no-pivot: a ramdisk cannot be pivoted away" });
  p.call("fchdir", [c.root]);
  p.call("openat", [p.flags("AT_FDCWD"), p.text("/"), p.flags("O_PATH|O_DIRECTORY|O_CLOEXEC"), 0], { into: place });
  // Unless hooks were to find it at its place on the host, it is over the host's root already, and cannot lie on itself.
  const move = p.flags("MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH");
  p.call("move_mount", [c.root, p.text(""), place, p.text(""), move], { ignore: ["ELOOP"] });
  p.call("close", [place]);
  p.step({
    action: "let nothing of the host's be mounted below it later",
    why: "what was mounted there from now on would be seen here as well",
  });
  p.call("mount", [0, p.text("/"), 0, p.flags("MS_PRIVATE"), 0]);
  const roots = new Set(hostMounts.filter(({ mountPoint }) => mountPoint === "/").map(({ id }) => id));
  const others = hostMounts.filter(({ id }) => !roots.has(id));
  for (const { mountPoint, type } of others) if (REVEALING.has(type)) emitTakeAwayOrCover(c, mountPoint, type);
  p.step({ action: "take the host's mounts away" });
  const detach = p.flags("MNT_DETACH|UMOUNT_NOFOLLOW");
  // In a user namespace they are locked together.
  for (const { parentId, mountPoint } of others) {
    if (roots.has(parentId)) p.call("umount2", [p.text(mountPoint), detach], { ignore: "any" });
  }
  p.step({ action: "change into the root file system" });
  p.call("chroot", [p.text(".")]);
  p.call("chdir", [p.text("/")]);
}

function emitTakeAwayOrCover(c: Compilation, path: string, type: string): void {
  const { p } = c;
  const place = p.slot("place");
  const cover = p.slot("cover");
  const locked = p.label("it is locked");
  const done = p.label("it is out of sight");
  p.step({ action: `take the host's ${type} at "${path}" away`, why: "bare, it would show what is masked here" });
  p.call("umount2", [p.text(path), p.flags("MNT_DETACH|UMOUNT_NOFOLLOW")], { on: ["EINVAL", "EPERM"], goto: locked });
  p.jump(done);
  p.mark(locked);
  p.handler(done);
  const flags = p.flags("O_PATH|O_DIRECTORY|O_NOFOLLOW|O_CLOEXEC");
  p.call("openat", [p.flags("AT_FDCWD"), p.text(path), flags, 0], { into: place });
  p.handler(c.labels.childFailed);
  const options = parseMountOptions(["ro", "nr_inodes=2"], "tmpfs", "root");
  emitNewFileSystem(p, { type: "tmpfs", source: "orlop", options }, cover);
  emitAttach(p, cover, place);
  p.call("close", [cover]);
  p.call("close", [place]);
  p.mark(done);
  p.handler(c.labels.childFailed);
}
