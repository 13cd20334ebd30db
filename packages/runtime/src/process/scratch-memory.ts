import { emitAttach, emitNewFileSystem, parseMountOptions, type Slot } from "@orlop/kernel";
import type { Compilation } from "./compilation.ts";

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

/** Makes scratch memory the working directory, so that an overlay can be told of it by relative paths. */
export function emitScratch(c: Compilation): void {
  const { p } = c;
  const scratch = p.slot("scratch");
  emitMemory(c, scratch, "it takes what is written, and is gone with the container", (mount) =>
    emitAttachOverRoot(c, mount),
  );
  p.call("fchdir", [scratch]);
}

/**
 * Takes the scratch memory out of the mount tree again; the overlays keep what they need of it. It must not be there at
 * the pivot: with it on top of the old root, one unmount would leave the host's root behind, reachable as "/..".
 */
export function emitDropScratch(c: Compilation): void {
  const { p } = c;
  p.step({ action: "take the scratch memory out of sight" });
  p.call("umount2", [p.text("."), p.flags("MNT_DETACH")]);
}
