import { emitAttach, emitCloneMount, emitDirectoryInRoot, emitMountPointInRoot, octal } from "@orlop/kernel";
import type { Compilation } from "../process/compilation.ts";
import { absoluteSource, type PlannedMount, plannedMounts } from "../process/mount-sources.ts";
import { emitRoot } from "../process/root-filesystem.ts";

/**
 * In the reaper: enters a mount namespace for CRIU, where the root file system is a mount, as CRIU wants it, and has all the
 * mount points. Nothing of this shows on the host, and it is gone with CRIU.
 */
export function emitEnterPreparedRoot(c: Compilation, path: string): void {
  const { p } = c;
  const place = p.slot("place");
  p.step({ action: "keep mounts from reaching the host" });
  p.call("openat", [p.flags("AT_FDCWD"), p.text("/proc/self/ns/mnt"), p.flags("O_RDONLY|O_CLOEXEC"), 0], {
    into: p.slot("host_mounts"),
  });
  p.call("unshare", [p.flags("CLONE_NEWNS")]);
  p.call("mount", [0, p.text("/"), 0, p.flags("MS_REC|MS_SLAVE"), 0]);
  emitRootAt(c, path);
  p.step({ action: `use root file system "${path}"`, field: "root.path" });
  p.call("openat", [p.flags("AT_FDCWD"), p.text(path), p.flags("O_PATH|O_DIRECTORY|O_CLOEXEC"), 0], { into: place });
  const attach = (): void => {
    emitCloneMount(p, place, "", true, c.root);
    emitAttach(p, c.root, place);
  };
  const needed = onWhatIsThere(plannedMounts(c));
  if (needed.length > 0) {
    attach();
    for (const planned of needed) emitMountPoint(c, planned);
    p.step({ action: "take the binds away again", why: "criu makes them where it has its own root" });
    p.call("fchdir", [c.root]);
    p.call("close", [c.root]);
    p.call("umount2", [p.text("."), p.flags("MNT_DETACH")]);
    p.call("chdir", [p.text("/")]);
  }
  p.step({ action: `mount root file system "${path}"`, field: "root.path" });
  // It follows what the host mounts there, where the host's does that: criu takes from it what the restored root follows.
  attach();
  p.call("close", [c.root]);
  p.call("close", [place]);
}

/** Layers are put together where CRIU finds a directory otherwise. */
function emitRootAt(c: Compilation, path: string): void {
  const { p, plan } = c;
  if (plan.rootfs.kind !== "overlay") return;
  const place = p.slot("place");
  emitRoot(c, (mount) => {
    p.call("mkdirat", [p.flags("AT_FDCWD"), p.text(path), octal(p, 0o700)]);
    p.call("openat", [p.flags("AT_FDCWD"), p.text(path), p.flags("O_PATH|O_DIRECTORY|O_CLOEXEC"), 0], { into: place });
    emitAttach(p, mount, place);
    p.call("close", [place]);
  });
  p.call("close", [c.root]);
  p.call("chdir", [p.text("/")]);
}

/** In the reaper, once CRIU is there: goes back, so as not to hold what the host has mounted, for as long as the container lives. */
export function emitLeavePreparedRoot({ p }: Compilation): void {
  const host = p.slot("host_mounts");
  p.step({ action: "go back to the host's mounts" });
  p.call("setns", [host, p.flags("CLONE_NEWNS")]);
  p.call("close", [host]);
}

/** Mounts whose places lie in the root or in what is bound; CRIU itself fills what is new, memory for the most part. */
function onWhatIsThere(mounts: readonly PlannedMount[]): readonly PlannedMount[] {
  const made = mounts.filter(({ options }) => options.remount === "no");
  const fresh = made.filter(({ options }) => options.bind === "no").map(({ mount }) => `${mount.destination}/`);
  return made.filter(({ mount }) => !fresh.some((directory) => mount.destination.startsWith(directory)));
}

function emitMountPoint(c: Compilation, { mount, field, options }: PlannedMount): void {
  const { p } = c;
  const target = p.slot("target");
  const bound = p.slot("mount");
  p.step({ action: `make mount point "${mount.destination}"`, field });
  if (options.bind === "no") {
    emitDirectoryInRoot(p, c.root, mount.destination, target);
  } else {
    // Bound for now, because mount points that follow may lie in it.
    emitCloneMount(p, p.flags("AT_FDCWD"), absoluteSource(c, mount.source ?? ""), true, bound);
    emitMountPointInRoot(p, c.root, mount.destination, bound, target);
    emitAttach(p, bound, target);
    p.call("close", [bound]);
  }
  p.call("close", [target]);
}
