import {
  type AttributeSetting,
  emitAttach,
  emitAttachWith,
  emitCloneMount,
  emitDirectoryInRoot,
  emitExpectFileSystem,
  emitFollowLinks,
  emitLegacyAttributes,
  emitMountAttributes,
  emitMountPointInRoot,
  emitNewFileSystem,
  emitOpenInRoot,
  type ProgramBuilder,
  type Slot,
} from "@orlop/kernel";
import { checkBindOptions } from "./bind-options.ts";
import { emitCgroupMount } from "./cgroup-mount.ts";
import type { Compilation } from "./compilation.ts";
import { emitCopyUp } from "./copy-up.ts";
import { emitOpenCoveredDirectory } from "./covered-directory.ts";
import { placeOptions } from "./linked-place.ts";
import {
  emitBindSource,
  isCgroupMount,
  leavesPeers,
  NO_PEER,
  type PlannedMount,
  plannedMounts,
  sourceSlot,
} from "./mount-sources.ts";
import { isReadOnlyLater, newFileSystem } from "./new-file-system.ts";
import { emitRemount } from "./remount.ts";

/** Mounts of the config, in its order. */
export function emitMounts(c: Compilation, mounts: readonly PlannedMount[]): void {
  for (const planned of mounts) {
    const { options } = planned;
    if (options.remount !== "no") emitRemount(c, planned);
    else if (options.bind !== "no") emitBind(c, planned);
    else if (isCgroupMount(planned)) emitCgroupMount(c, planned);
    else if (options.copyUp) emitCopyUp(c, planned);
    else emitFileSystem(c, planned);
  }
}

function emitFileSystem(c: Compilation, planned: PlannedMount): void {
  const { mount, field, options } = planned;
  const { p } = c;
  const fd = p.slot("mount");
  const fileSystem = newFileSystem(planned);
  const { type } = fileSystem;
  p.step({ action: `mount ${type} at "${mount.destination}"`, field });
  // The reaper has made it where its owners are mapped.
  if (options.idmap !== "no") p.set(fd, sourceSlot(c, field));
  else emitNewFileSystem(p, fileSystem, fd);
  if (type === "proc") emitExpectFileSystem(p, fd, "PROC_SUPER_MAGIC");
  if (isReadOnlyLater(planned)) {
    // Kept open until everything that goes into it is there.
    p.call("fcntl", [fd, p.flags("F_DUPFD_CLOEXEC"), 0], { into: readOnlySlot(c, field) });
  }
  const target = p.slot("target");
  const keepsMode = type === "tmpfs" && !options.data.some(([key]) => key === "mode");
  if (keepsMode) {
    const mode = p.slot("mode");
    emitOpenCoveredDirectory(c, planned, target, mode);
    p.call("fchmodat", [fd, p.text("."), mode]);
  } else emitDirectoryInRoot(p, c.root, mount.destination, target, placeOptions(c, planned));
  emitAttachAt(c, fd, target, options.propagation);
}

function readOnlySlot(c: Compilation, field: string): Slot {
  return c.p.slot(`read-only ${field}`);
}

/** After everything else in the root: makes read-only what was kept writable for it. */
export function emitFinishReadOnlyMounts(c: Compilation): void {
  const { p } = c;
  for (const planned of plannedMounts(c)) {
    const { mount, field, options } = planned;
    if (options.remount !== "no" || options.bind !== "no" || options.copyUp || isCgroupMount(planned)) continue;
    if (!isReadOnlyLater(planned)) continue;
    const fd = readOnlySlot(c, field);
    const setting = { change: { set: ["MOUNT_ATTR_RDONLY"], clear: [] }, recursive: false } as const;
    p.step({ action: `make "${mount.destination}" read-only`, field: `${field}.options` });
    emitMountAttributes(p, fd, setting);
    emitLegacyAttributes(p, fd, setting);
    p.call("close", [fd]);
  }
}

function emitBind(c: Compilation, planned: PlannedMount): void {
  const { mount, options } = planned;
  const { p } = c;
  const fd = emitBindSource(c, planned);
  checkBindOptions(c.plan, planned);
  const attributes = { change: asRemounted(options.attributes, c.userNamespace), recursive: false };
  emitMountAttributes(p, fd, attributes);
  emitFollowLinksAgain(p, fd, attributes.change);
  emitMountAttributes(p, fd, { change: options.recursiveAttributes, recursive: true });
  const target = p.slot("target");
  emitMountPointInRoot(p, c.root, mount.destination, fd, target, placeOptions(c, planned));
  const settings = leavesPeers(c, planned) ? [NO_PEER, attributes] : [attributes];
  emitAttachAt(c, fd, target, options.propagation, settings);
}

/** What a remount of a bind clears unless it is named. */
const CLEARED = ["MOUNT_ATTR_RDONLY", "MOUNT_ATTR_NOSUID", "MOUNT_ATTR_NODEV", "MOUNT_ATTR_NOEXEC"] as const;

/**
 * A bind without attributes has those of its source; with any it has these and no others, as after the remount by which
 * every other runtime sets them. In a user namespace the source's are locked.
 */
function asRemounted(
  { set, clear }: PlannedMount["options"]["attributes"],
  inUserNamespace: boolean,
): PlannedMount["options"]["attributes"] {
  const named = [...set, ...clear];
  if (named.length === 0 || inUserNamespace) return { set, clear };
  return { set, clear: [...clear, ...CLEARED.filter((name) => !named.includes(name))] };
}

/** The one attribute of the source that a bind with any of its own does not keep in a user namespace either. */
function emitFollowLinksAgain(
  p: ProgramBuilder,
  fd: Slot,
  { set, clear }: PlannedMount["options"]["attributes"],
): void {
  const named = [...set, ...clear];
  if (named.length > 0 && !named.includes("MOUNT_ATTR_NOSYMFOLLOW")) emitFollowLinks(p, fd);
}

/** Attaches the mount and sets its propagation. */
function emitAttachAt(
  { p }: Compilation,
  fd: Slot,
  target: Slot,
  propagation: PlannedMount["options"]["propagation"],
  settings: readonly AttributeSetting[] = [],
): void {
  emitAttach(p, fd, target);
  for (const setting of settings) emitLegacyAttributes(p, fd, setting);
  if (propagation !== undefined) {
    const setting = { propagation: propagation.flag, recursive: propagation.recursive };
    emitMountAttributes(p, fd, setting);
    emitLegacyAttributes(p, fd, setting);
  }
  p.call("close", [target]);
  p.call("close", [fd]);
}

/** Binds each path that exists onto itself, read-only. */
export function emitReadonlyPaths(c: Compilation): void {
  const { p } = c;
  const target = p.slot("target");
  const mount = p.slot("mount");
  for (const [index, path] of (c.plan.request.spec.linux?.readonlyPaths ?? []).entries()) {
    const next = p.label("next path");
    p.step({ action: `make "${path}" read-only`, field: `linux.readonlyPaths[${index}]` });
    emitOpenInRoot(p, c.root, path, target, { flags: "O_PATH", absent: next });
    emitCloneMount(p, target, "", true, mount);
    const change = { set: ["MOUNT_ATTR_RDONLY"], clear: [] } as const;
    emitAttachWith(p, mount, target, { change, recursive: true, legacySingle: true });
    p.call("close", [mount]);
    p.call("close", [target]);
    p.mark(next);
  }
}
