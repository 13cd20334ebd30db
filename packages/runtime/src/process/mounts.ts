import { type Mount, OrlopError } from "@orlop/core";
import {
  type AttributeSetting,
  emitAttach,
  emitAttachWith,
  emitCloneMount,
  emitDirectoryInRoot,
  emitExpectFileSystem,
  emitFileInRoot,
  emitLegacyAttributes,
  emitMountAttributes,
  emitNewFileSystem,
  emitOpenInRoot,
  type MountOptions,
  type Slot,
  STATX_BYTES,
  STATX_MODE_OFFSET,
  STATX_RDEV_OFFSET,
} from "@orlop/kernel";
import { emitCgroupMount } from "./cgroup-mount.ts";
import type { Compilation } from "./compilation.ts";
import { emitCopyUp } from "./copy-up.ts";
import { absoluteSource, emitBindSource, type PlannedMount, plannedMounts } from "./mount-sources.ts";

/** Mounts whose place must be a real directory of the root: a link there would put /proc or /sys elsewhere (CVE-2023-28642). */
const REAL_PLACES: ReadonlySet<string> = new Set(["/proc", "/sys", "/dev"]);

/** Mounts of the config, in its order. */
export function emitMounts(c: Compilation, mounts: readonly PlannedMount[]): void {
  for (const planned of mounts) {
    const { options, mount } = planned;
    if (options.bind !== "no") emitBind(c, planned);
    else if (mount.type === "cgroup" || mount.type === "cgroup2") emitCgroupMount(c, planned);
    else if (options.copyUp) emitCopyUp(c, planned);
    else emitFileSystem(c, planned);
  }
}

function emitFileSystem(c: Compilation, { mount, field, options }: PlannedMount): void {
  const { p } = c;
  const fd = p.slot("mount");
  const type = mount.type;
  if (type === undefined || type === "" || type === "none") {
    throw new OrlopError("invalid", `Cannot mount "${mount.destination}": it names no type and is no bind`, {
      field: `${field}.type`,
    });
  }
  if (options.idmap !== "no") {
    throw new OrlopError("unsupported", `Cannot idmap mount "${mount.destination}": only a bind can be idmapped`, {
      field: `${field}.options`,
    });
  }
  p.step({ action: `mount ${type} at "${mount.destination}"`, field });
  emitNewFileSystem(p, { type, source: mount.source ?? type, options: writableAtFirst(mount, options) }, fd);
  if (type === "proc") emitExpectFileSystem(p, fd, "PROC_SUPER_MAGIC");
  if (isReadOnlyLater(mount, options)) {
    // Kept open until everything that goes into it is there.
    p.call("fcntl", [fd, p.flags("F_DUPFD_CLOEXEC"), 0], { into: readOnlySlot(c, field) });
  }
  emitPlace(c, fd, mount.destination, "directory", options.propagation);
}

/** Memory that is to be read-only in the end still has to take mount points and device nodes first. */
function isReadOnlyLater({ type, destination }: Mount, options: MountOptions): boolean {
  const memory = type === "tmpfs" || destination.replace(/\/+$/, "") === "/dev";
  return memory && options.attributes.set.includes("MOUNT_ATTR_RDONLY");
}

function writableAtFirst(mount: Mount, options: MountOptions): MountOptions {
  if (!isReadOnlyLater(mount, options)) return options;
  const set = options.attributes.set.filter((name) => name !== "MOUNT_ATTR_RDONLY");
  const superblockFlags = options.superblockFlags.filter((flag) => flag !== "ro");
  return { ...options, attributes: { ...options.attributes, set }, superblockFlags };
}

function readOnlySlot(c: Compilation, field: string): Slot {
  return c.p.slot(`read-only ${field}`);
}

/** After everything else in the root: makes read-only what was kept writable for it. */
export function emitFinishReadOnlyMounts(c: Compilation): void {
  const { p } = c;
  for (const { mount, field, options } of plannedMounts(c)) {
    if (options.bind !== "no" || options.copyUp || mount.type === "cgroup" || mount.type === "cgroup2") continue;
    if (!isReadOnlyLater(mount, options)) continue;
    const fd = readOnlySlot(c, field);
    const setting = { change: { set: ["MOUNT_ATTR_RDONLY"], clear: [] }, recursive: false } as const;
    p.step({ action: `make "${mount.destination}" read-only`, field: `${field}.options` });
    emitMountAttributes(p, fd, setting);
    emitLegacyAttributes(p, fd, setting);
    p.call("close", [fd]);
  }
}

function emitBind(c: Compilation, planned: PlannedMount): void {
  const { mount, field, options } = planned;
  const { p, plan } = c;
  const fd = emitBindSource(c, planned);
  const source = absoluteSource(c, mount.source ?? "");
  const [unknown] = options.data;
  if (unknown !== undefined) {
    const word = unknown[1] === undefined ? unknown[0] : unknown.join("=");
    const what = `a bind has no option "${word}"`;
    throw new OrlopError("invalid", `Cannot bind "${source}": ${what}`, { field: `${field}.options` });
  }
  const kind = plan.host.fileKind(source);
  if (kind === undefined) {
    throw new OrlopError("not-found", `Cannot bind "${source}": no such file or directory`, {
      field: `${field}.source`,
    });
  }
  const attributes = { change: options.attributes, recursive: false };
  emitMountAttributes(p, fd, attributes);
  emitMountAttributes(p, fd, { change: options.recursiveAttributes, recursive: true });
  const place = kind === "directory" ? "directory" : "file";
  emitPlace(c, fd, mount.destination, place, options.propagation, attributes);
}

/** Opens the place inside the root, attaches the mount there, and sets its propagation. */
function emitPlace(
  c: Compilation,
  fd: Slot,
  destination: string,
  kind: "directory" | "file",
  propagation: PlannedMount["options"]["propagation"],
  attributes?: AttributeSetting,
): void {
  const { p } = c;
  const target = p.slot("target");
  const refuseLinks = REAL_PLACES.has(destination.replace(/\/+$/, ""));
  if (kind === "directory") emitDirectoryInRoot(p, c.root, destination, target, { refuseLinks });
  else {
    emitFileInRoot(p, c.root, destination, target);
    emitExpectNoDirectory(c, target);
  }
  emitAttach(p, fd, target);
  if (attributes !== undefined) emitLegacyAttributes(p, fd, attributes);
  if (propagation !== undefined) {
    const setting = { propagation: propagation.flag, recursive: propagation.recursive };
    emitMountAttributes(p, fd, setting);
    emitLegacyAttributes(p, fd, setting);
  }
  p.call("close", [target]);
  p.call("close", [fd]);
}

/** A file cannot be mounted over a directory, for which the kernel only has "invalid argument". */
function emitExpectNoDirectory({ p }: Compilation, fd: Slot): void {
  const stat = p.scratch(STATX_BYTES, "{statx}");
  const mode = p.slot("mode");
  const right = p.label("no directory");
  p.call("statx", [fd, p.text(""), p.flags("AT_EMPTY_PATH"), p.flags("STATX_TYPE"), stat]);
  p.load(mode, stat.at(STATX_MODE_OFFSET), 2);
  p.and(mode, mode, p.flags("S_IFMT"));
  p.branch(mode, "ne", p.flags("S_IFDIR"), right);
  p.fail("EISDIR");
  p.mark(right);
}

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

/** Before the pivot: takes from the host what masking needs. */
export function emitTakeMasks(c: Compilation): void {
  const paths = c.plan.request.spec.linux?.maskedPaths ?? [];
  if (paths.length === 0) return;
  const { p } = c;
  emitNullDevice(c, p.slot("null_device"));
  p.step({ action: "make an empty directory to mask directories with", field: "linux.maskedPaths" });
  emitNewFileSystem(
    p,
    {
      type: "tmpfs",
      source: "tmpfs",
      options: {
        bind: "no",
        attributes: { set: ["MOUNT_ATTR_RDONLY"], clear: [] },
        recursiveAttributes: { set: [], clear: [] },
        propagation: undefined,
        superblockFlags: ["ro"],
        data: [["nr_inodes", "2"]],
        copyUp: false,
        idmap: "no",
      },
    },
    p.slot("empty_directory"),
  );
}

/** Hides each path that exists: a file behind the null device, a directory behind an empty one. */
export function emitMaskPaths(c: Compilation): void {
  const { p } = c;
  const paths = c.plan.request.spec.linux?.maskedPaths ?? [];
  const target = p.slot("target");
  const mask = p.slot("mask");
  const mode = p.slot("mode");
  const stat = p.buffer(STATX_BYTES, "{statx}");
  for (const [index, path] of paths.entries()) {
    const next = p.label("next path");
    const directory = p.label("mask a directory");
    const attach = p.label("attach the mask");
    p.step({ action: `mask "${path}"`, field: `linux.maskedPaths[${index}]` });
    emitOpenInRoot(p, c.root, path, target, { flags: "O_PATH", absent: next });
    p.call("statx", [target, p.text(""), p.flags("AT_EMPTY_PATH"), p.flags("STATX_TYPE"), stat]);
    p.load(mode, stat.at(STATX_MODE_OFFSET), 2);
    p.and(mode, mode, p.flags("S_IFMT"));
    p.branch(mode, "eq", p.flags("S_IFDIR"), directory);
    emitCloneMount(p, p.slot("null_device"), "", false, mask);
    p.jump(attach);
    p.mark(directory);
    emitCloneMount(p, p.slot("empty_directory"), "", false, mask);
    p.mark(attach);
    emitAttach(p, mask, target);
    p.call("close", [mask]);
    p.call("close", [target]);
    p.mark(next);
  }
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
