import {
  emitDirectoryInRoot,
  emitOpenInRoot,
  octal,
  type Slot,
  STATX_BYTES,
  STATX_GID_OFFSET,
  STATX_MODE_OFFSET,
  STATX_UID_OFFSET,
} from "@orlop/kernel";
import type { Compilation } from "./compilation.ts";
import { placeOptions } from "./linked-place.ts";
import type { PlannedMount } from "./mount-sources.ts";

/** What the kernel gives a tmpfs. */
const TMPFS_MODE = 0o1777;

/** Whose a directory is. */
interface OwnerSlots {
  readonly uid: Slot;
  readonly gid: Slot;
}

/**
 * `target` = the directory at `destination`, which memory is to cover, and `mode` = the mode that the memory takes over:
 * the directory's, unless it had to be made. So the other runtimes have it, for a /tmp to stay one. The same for its owner.
 */
export function emitOpenCoveredDirectory(
  c: Compilation,
  planned: PlannedMount,
  target: Slot,
  mode: Slot,
  owner?: OwnerSlots,
): void {
  const { p } = c;
  const { mount, refuseLinks } = planned;
  const make = p.label("make the directory");
  const done = p.label("the mode is known");
  const stat = p.scratch(STATX_BYTES, "{statx}");
  emitOpenInRoot(p, c.root, mount.destination, target, { flags: "O_PATH|O_DIRECTORY", absent: make, refuseLinks });
  p.call("statx", [target, p.text(""), p.flags("AT_EMPTY_PATH"), p.flags("STATX_MODE|STATX_UID|STATX_GID"), stat]);
  p.load(mode, stat.at(STATX_MODE_OFFSET), 2);
  p.and(mode, mode, octal(p, 0o7777));
  if (owner !== undefined) {
    p.load(owner.uid, stat.at(STATX_UID_OFFSET), 4);
    p.load(owner.gid, stat.at(STATX_GID_OFFSET), 4);
  }
  p.jump(done);
  p.mark(make);
  emitDirectoryInRoot(p, c.root, mount.destination, target, placeOptions(c, planned));
  p.set(mode, octal(p, TMPFS_MODE));
  if (owner !== undefined) for (const id of [owner.uid, owner.gid]) p.set(id, 0);
  p.mark(done);
}
