import { posix } from "node:path";
import type { Mount } from "@orlop/core";
import {
  type CgroupDirectory,
  emitAttach,
  emitCloneMount,
  emitDirectoryInRoot,
  emitMountAttributes,
  emitNewFileSystem,
  type MountOptions,
  parseMountOptions,
  type Slot,
} from "@orlop/kernel";
import type { Compilation, CreatePlan } from "./compilation.ts";
import type { PlannedMount } from "./mount-sources.ts";

/** Attributes that a cgroup hierarchy gets whatever the config says, as under every other runtime. */
const SAFE = parseMountOptions(["nosuid", "nodev", "noexec", "relatime"], "cgroup", "mounts");

/**
 * A mount of type `cgroup`: the container's own cgroups and none of the host's (runtime-spec, config-linux.md).
 *
 * Pure version 2 is one file system, or a directory of it that is bound, where that cannot be mounted. With version 1 it is a
 * directory in memory with each hierarchy in it, of which only the container's cgroup is bound: a mount of the hierarchy
 * within a cgroup namespace shows the same, and takes ten times as long.
 */
export function emitCgroupMount(c: Compilation, planned: PlannedMount): void {
  const directories = c.plan.cgroup?.directories ?? [];
  const v1 = directories.filter(({ version }) => version === 1);
  const [unified] = directories;
  if (v1.length === 0 && unified !== undefined) emitUnified(c, planned, unified);
  else emitHierarchies(c, planned, v1);
}

/** A cgroup of the host's that a container shows. */
interface BoundHierarchy {
  readonly destination: string;
  readonly source: string;
}

/** What {@link emitCgroupMount} binds. */
export function boundHierarchies(plan: CreatePlan): readonly BoundHierarchy[] {
  const mounts = (plan.request.spec.mounts ?? []).filter(({ type }) => type === "cgroup" || type === "cgroup2");
  const directories = plan.cgroup?.directories ?? [];
  const v1 = directories.filter(({ version }) => version === 1);
  if (v1.length > 0) return boundVersion1(mounts, v1);
  return directories
    .slice(0, isUnifiedBound(plan) ? 1 : 0)
    .flatMap(({ path }) => mounts.map(({ destination }) => ({ destination, source: path })));
}

/**
 * The hierarchy of version 2 belongs to the user namespace of the caller's cgroup namespace, and who is within another one
 * may not mount it (cgroup_init_fs_context).
 */
function isUnifiedBound({ request: { spec }, host }: CreatePlan): boolean {
  const types = (spec.linux?.namespaces ?? []).map(({ type }) => type);
  return (host.rootless || types.includes("user")) && !types.includes("cgroup");
}

function boundVersion1(mounts: readonly Mount[], v1: readonly CgroupDirectory[]): readonly BoundHierarchy[] {
  return mounts.flatMap(({ destination }) =>
    v1.map((directory) => ({ destination: posix.join(destination, nameOf(directory)), source: directory.path })),
  );
}

function nameOf({ label }: CgroupDirectory): string {
  return label.replace(/^name=/, "");
}

function emitUnified(c: Compilation, { mount, field, options }: PlannedMount, { path }: CgroupDirectory): void {
  const { p } = c;
  const fd = p.slot("mount");
  if (isUnifiedBound(c.plan)) {
    p.step({ action: `bind cgroup "${path}" to "${mount.destination}"`, field });
    emitBind(c, path, options.attributes.set.includes("MOUNT_ATTR_RDONLY"), fd);
  } else {
    p.step({ action: `mount cgroup2 at "${mount.destination}"`, field });
    emitNewFileSystem(p, { type: "cgroup2", source: "cgroup", options: { ...options, superblockFlags: [] } }, fd);
  }
  emitPlaceAt(c, fd, mount.destination);
}

function emitHierarchies(
  c: Compilation,
  { mount, field, options }: PlannedMount,
  v1: readonly CgroupDirectory[],
): void {
  const { p } = c;
  const top = p.slot("cgroup_top");
  const readOnly = options.attributes.set.includes("MOUNT_ATTR_RDONLY");
  p.step({ action: `make a directory of cgroup hierarchies at "${mount.destination}"`, field });
  const memory: MountOptions = { ...SAFE, data: [["mode", "755"]] };
  emitNewFileSystem(p, { type: "tmpfs", source: "tmpfs", options: memory }, top);
  const target = p.slot("target");
  emitDirectoryInRoot(p, c.root, mount.destination, target, { refuseLinks: true });
  emitAttach(p, top, target);
  p.call("close", [target]);
  for (const directory of v1) emitHierarchy(c, top, directory, field, readOnly);
  if (readOnly) {
    p.step({ action: `make "${mount.destination}" read-only`, field: `${field}.options` });
    emitMountAttributes(p, top, { change: { set: ["MOUNT_ATTR_RDONLY"], clear: [] }, recursive: false });
  }
  p.call("close", [top]);
}

function emitHierarchy(c: Compilation, top: Slot, directory: CgroupDirectory, field: string, readOnly: boolean): void {
  const { p } = c;
  const fd = p.slot("mount");
  const place = p.slot("target");
  const name = nameOf(directory);
  p.step({ action: `mount cgroup hierarchy "${name}"`, field });
  emitBind(c, directory.path, readOnly, fd);
  p.call("mkdirat", [top, p.text(name), 0o755]);
  p.call("openat", [top, p.text(name), p.flags("O_PATH|O_DIRECTORY|O_NOFOLLOW|O_CLOEXEC"), 0], { into: place });
  emitAttach(p, fd, place);
  p.call("close", [place]);
  p.call("close", [fd]);
  const controllers = name.split(",");
  if (controllers.length === 1) return;
  for (const controller of controllers) p.call("symlinkat", [p.text(name), top, p.text(controller)]);
}

/** Leaves in slot `fd` a mount of a cgroup's directory. */
function emitBind({ p }: Compilation, path: string, readOnly: boolean, fd: Slot): void {
  emitCloneMount(p, p.flags("AT_FDCWD"), path, false, fd);
  const set = [...SAFE.attributes.set, ...(readOnly ? (["MOUNT_ATTR_RDONLY"] as const) : [])];
  emitMountAttributes(p, fd, { change: { set, clear: [] }, recursive: false });
}

function emitPlaceAt(c: Compilation, fd: Slot, destination: string): void {
  const { p } = c;
  const target = p.slot("target");
  emitDirectoryInRoot(p, c.root, destination, target, { refuseLinks: true });
  emitAttach(p, fd, target);
  p.call("close", [target]);
  p.call("close", [fd]);
}
