import {
  emitAttach,
  emitCloneMount,
  emitNewFileSystem,
  emitOpenInRoot,
  type Label,
  parseMountOptions,
  type Slot,
  STATX_BYTES,
  STATX_RDEV_OFFSET,
} from "@orlop/kernel";
import type { Compilation } from "./compilation.ts";

/** A copy of the mount of the host's /dev/null, proven to be the null device (CVE-2025-31133). */
function emitNullDevice(c: Compilation, into: Slot): void {
  const { p } = c;
  p.step({ action: 'take "/dev/null" to mask files with', why: "CVE-2025-31133: it must be the null device itself" });
  emitCloneMount(p, p.flags("AT_FDCWD"), "/dev/null", false, into);
  const stat = p.buffer(STATX_BYTES, "{statx}");
  const rdev = p.slot("rdev");
  const right = p.label("it is the null device");
  p.call("statx", [into, p.text(""), p.flags("AT_EMPTY_PATH"), p.flags("STATX_BASIC_STATS"), stat]);
  p.load(rdev, stat.at(STATX_RDEV_OFFSET), 8);
  p.branch(rdev, "eq", p.number(0x3_0000_0001n, "{major=1, minor=3}"), right);
  p.fail("ENODEV");
  p.mark(right);
}

const EMPTY = parseMountOptions(["ro", "nr_inodes=2"], "tmpfs", "linux.maskedPaths");

/** Before the pivot: takes from the host what masking needs. */
export function emitTakeMasks(c: Compilation): void {
  const paths = c.plan.request.spec.linux?.maskedPaths ?? [];
  if (paths.length === 0) return;
  const { p } = c;
  const { nullDevice, emptyDirectory } = masks(c);
  emitNullDevice(c, nullDevice.mount);
  p.step({ action: "make an empty directory to mask directories with", field: "linux.maskedPaths" });
  emitNewFileSystem(p, { type: "tmpfs", source: "tmpfs", options: EMPTY }, emptyDirectory.mount);
  for (const { isTaken } of [nullDevice, emptyDirectory]) p.set(isTaken, 0);
}

/** Hides each path that exists: a directory behind an empty one, anything else behind the null device. */
export function emitMaskPaths(c: Compilation): void {
  const { p } = c;
  const { nullDevice, emptyDirectory } = masks(c);
  const target = p.slot("target");
  const mask = p.slot("mask");
  const paths = c.plan.request.spec.linux?.maskedPaths ?? [];
  for (const [index, path] of paths.entries()) {
    // Callers add paths of their own to those of a default; one mask hides as well as two.
    if (paths.indexOf(path) < index) continue;
    const next = p.label("next path");
    const file = p.label("mask a file");
    const attach = p.label("attach the mask");
    p.step({ action: `mask "${path}"`, field: `linux.maskedPaths[${index}]` });
    emitOpenInRoot(p, c.root, path, target, { flags: "O_PATH|O_DIRECTORY", absent: file });
    emitTakeMask(c, emptyDirectory, attach);
    p.jump(attach);
    p.mark(file);
    emitOpenInRoot(p, c.root, path, target, { flags: "O_PATH", absent: next });
    emitTakeMask(c, nullDevice, attach);
    p.mark(attach);
    emitAttach(p, mask, target);
    p.call("close", [mask]);
    p.call("close", [target]);
    p.mark(next);
  }
  if (paths.length === 0) return;
  // A container that waits for its start has nothing open that it does not need.
  for (const { mount } of [nullDevice, emptyDirectory]) p.call("close", [mount]);
}

/** What paths are masked with. */
interface Mask {
  readonly mount: Slot;
  /** A path has it itself. */
  readonly isTaken: Slot;
}

function masks({ p }: Compilation): { readonly nullDevice: Mask; readonly emptyDirectory: Mask } {
  return {
    nullDevice: { mount: p.slot("null_device"), isTaken: p.slot("null_device_taken") },
    emptyDirectory: { mount: p.slot("empty_directory"), isTaken: p.slot("empty_directory_taken") },
  };
}

/**
 * The mask itself for the first path, a copy of it for the others; goes on below or at `attach`. Kernels before 6.15 copy only
 * what is attached, and on all of them a mount that is left over has its last descriptor's closing, which is that at the
 * start of the user's program, wait for every processor to have passed by.
 */
function emitTakeMask({ p }: Compilation, { mount, isTaken }: Mask, attach: Label): void {
  const mask = p.slot("mask");
  const whole = p.label("take the mount itself");
  p.branch(isTaken, "eq", 0, whole);
  emitCloneMount(p, mount, "", false, mask);
  p.jump(attach);
  p.mark(whole);
  p.set(isTaken, 1);
  p.call("fcntl", [mount, p.flags("F_DUPFD_CLOEXEC"), 0], { into: mask });
}
