import { emitAttach, emitNewFileSystem, parseMountOptions, type Slot } from "@orlop/kernel";
import { type Compilation, hasHooks, PIVOT_HOOKS } from "./compilation.ts";
import { plannedMounts } from "./mount-sources.ts";

/**
 * Attaches a mount on top of "/". Absolute paths still start from what lies below it, the host's root, so that the
 * sources of binds are found; and no directory of the host is needed as a place.
 */
export function emitAttachOverRoot(c: Compilation, mount: Slot): void {
  const { p } = c;
  const place = p.slot("place");
  const flags = p.flags("O_PATH|O_DIRECTORY|O_CLOEXEC");
  p.call("openat", [p.flags("AT_FDCWD"), p.text("/"), flags, 0], { into: place });
  emitAttach(p, mount, place);
  p.call("close", [place]);
}

/** Memory for what is thrown away at the end: it exists nowhere but in this mount namespace. */
export function emitMemory(c: Compilation, into: Slot, why: string, attach: (mount: Slot) => void): void {
  const { p } = c;
  p.step({ action: "make a file system in memory", why });
  const options = parseMountOptions(["mode=0755"], "tmpfs", "root");
  emitNewFileSystem(p, { type: "tmpfs", source: "orlop", options }, into);
  attach(into);
}

/** An empty directory of every procfs that shows more than processes (fs/proc/proc_tty.c); nothing was ever put there. */
const ASIDE = "/proc/tty/ldisc";

/**
 * Whether nobody sees what is attached aside: who comes in before the pivot might, and whatever is bound with all that is
 * mounted below it.
 */
function mayGoAside(c: Compilation): boolean {
  const { rootfs, style } = c.plan;
  if (rootfs.kind !== "overlay" || hasHooks(c, ...PIVOT_HOOKS) || style.withoutPivot !== undefined) return false;
  return plannedMounts(c).every(({ options }) => options.bind !== "recursive");
}

/**
 * Attaches a mount for an overlay to be told of, which is gone after {@link emitOutOfSight}. It goes aside where that can
 * be, for there it goes with the host's root: taking a mount away has to wait for every processor to have passed by,
 * which on a busy machine takes milliseconds, and so once is better than twice.
 */
export function emitAttachInSight(c: Compilation, mount: Slot): void {
  const { p } = c;
  if (!mayGoAside(c)) {
    emitAttachOverRoot(c, mount);
    return;
  }
  const aside = p.slot("aside");
  const place = p.slot("place");
  const [none, over, done] = [p.label("there is no such place"), p.label("over the root"), p.label("in sight")];
  p.set(aside, 0);
  const flags = p.flags("O_PATH|O_DIRECTORY|O_NOFOLLOW|O_CLOEXEC");
  p.call("openat", [p.flags("AT_FDCWD"), p.text(ASIDE), flags, 0], { into: place, on: "any", goto: none });
  const both = p.flags("MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH");
  p.call("move_mount", [mount, p.text(""), place, p.text(""), both], { on: "any", goto: over });
  p.set(aside, 1);
  p.call("close", [place]);
  p.jump(done);
  p.mark(over);
  p.call("close", [place]);
  p.mark(none);
  emitAttachOverRoot(c, mount);
  p.mark(done);
}

/**
 * Takes what lies in the working directory out of the mount tree again; the overlays keep what they need of it. It must not be
 * there at the pivot: with it on top of the old root, one unmount would leave the host's root behind, reachable as "/..".
 */
export function emitOutOfSight(c: Compilation): void {
  const { p } = c;
  const detach = (): void => void p.call("umount2", [p.text("."), p.flags("MNT_DETACH")]);
  if (!mayGoAside(c)) {
    detach();
    return;
  }
  const done = p.label("it goes with the host's root");
  p.branch(p.slot("aside"), "ne", 0, done);
  detach();
  p.mark(done);
}

/** Makes scratch memory the working directory, so that an overlay can be told of it by relative paths. */
export function emitScratch(c: Compilation): void {
  const { p } = c;
  const scratch = p.slot("scratch");
  emitMemory(c, scratch, "it takes what is written, and is gone with the container", (mount) =>
    emitAttachInSight(c, mount),
  );
  p.call("fchdir", [scratch]);
}

export function emitDropScratch(c: Compilation): void {
  const { p } = c;
  p.step({ action: "take the scratch memory out of sight" });
  emitOutOfSight(c);
}
