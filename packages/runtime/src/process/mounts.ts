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
