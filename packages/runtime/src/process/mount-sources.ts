import { isAbsolute, join, resolve } from "node:path";
import { type Mount, OrlopError } from "@orlop/core";
import {
  type AttributeSetting,
  emitCloneMount,
  emitDiskMount,
  emitMountAttributes,
  emitNewFileSystem,
  emitOpenInRoot,
  type MountOptions,
  parseMountOptions,
  type Slot,
} from "@orlop/kernel";
import type { Compilation, CreatePlan } from "./compilation.ts";
import { emitIdmap, emitIdmapFrom, emitIdmapNamespace } from "./idmap.ts";
import { newFileSystem } from "./new-file-system.ts";

/** A mount of the config, its options sorted. */
export interface PlannedMount {
  /** Its destination is absolute and has no `.`, `..` or doubled slash, so that there is one way to write each. */
  readonly mount: Mount;
  readonly field: string;
  readonly options: MountOptions;
  /** The place must be a real directory of the root: a link there would put /proc or /sys elsewhere (CVE-2023-28642). */
  readonly refuseLinks: boolean;
  /** Of a bind: where in the container its source is, if an earlier mount of the config covers it or lies below it. */
  readonly inside?: string | undefined;
}

const REAL_PLACES: ReadonlySet<string> = new Set(["/proc", "/sys", "/dev"]);

const plannedOf = new WeakMap<CreatePlan, readonly PlannedMount[]>();

/** The mounts of the config, in its order. */
export function plannedMounts(c: Pick<Compilation, "plan">): readonly PlannedMount[] {
  const known = plannedOf.get(c.plan);
  if (known !== undefined) return known;
  const planned: PlannedMount[] = [];
  for (const [index, mount] of (c.plan.request.spec.mounts ?? []).entries()) {
    const next = plannedMount(c, mount, index);
    const inside = insidePlace(c, next, planned);
    planned.push(inside === undefined ? next : { ...next, inside });
  }
  plannedOf.set(c.plan, planned);
  return planned;
}

function plannedMount(c: Pick<Compilation, "plan">, mount: Mount, index: number): PlannedMount {
  const field = `mounts[${index}]`;
  const options = parseMountOptions(mount.options ?? [], mount.type, `${field}.options`);
  // Mappings without idmap or ridmap leave the choice to the runtime (config.md, "uidMappings").
  const mapped = (mount.uidMappings ?? []).length > 0 && options.idmap === "no";
  const destination = placeInRoot(c, mountPlace(mount)) ?? mountPlace(mount);
  const isNew = options.bind === "no" && options.remount === "no";
  return {
    mount: { ...mount, destination },
    field,
    options: {
      ...(isNew ? withoutRecursion(options) : options),
      ...(mapped ? { idmap: "single" } : {}),
    },
    refuseLinks: REAL_PLACES.has(destination),
  };
}

/**
 * Where a path of the host's lies in the container, if it is one of the directory that is the root. Such paths stand in
 * configs that were written for runc, which mounts everything at its place on the host.
 */
function placeInRoot({ plan: { rootfs } }: Pick<Compilation, "plan">, path: string): string | undefined {
  if (rootfs.kind !== "directory") return undefined;
  const root = resolve(rootfs.path);
  return root !== "/" && (path === root || path.startsWith(`${root}/`)) ? path.slice(root.length) || "/" : undefined;
}

function insidePlace(
  c: Pick<Compilation, "plan">,
  { mount, options }: PlannedMount,
  earlier: readonly PlannedMount[],
): string | undefined {
  if (options.bind === "no" || options.remount !== "no") return undefined;
  const place = placeInRoot(c, resolve(absoluteSource(c, mount.source ?? "")));
  return place !== undefined && earlier.some((each) => overlaps(each.mount.destination, place)) ? place : undefined;
}

/** One is the other, or lies below it. */
export function overlaps(a: string, b: string): boolean {
  return isWithin(a, b) || isWithin(b, a);
}

function isWithin(path: string, directory: string): boolean {
  return directory === "/" || path === directory || path.startsWith(`${directory}/`);
}

/** There is nothing below a new file system. */
function withoutRecursion(options: MountOptions): MountOptions {
  const { attributes, recursiveAttributes } = options;
  const set = attributes.set.filter((name) => !recursiveAttributes.clear.includes(name));
  return {
    ...options,
    attributes: { set: [...new Set([...set, ...recursiveAttributes.set])], clear: [] },
    recursiveAttributes: { set: [], clear: [] },
  };
}

export function isCgroupMount({ mount: { type } }: PlannedMount): boolean {
  return type === "cgroup" || type === "cgroup2";
}

/** Where in the container a mount is; a relative destination counts from the root (config.md, "Mounts"). */
export function mountPlace({ destination }: Mount): string {
  return resolve("/", destination);
}

/**
 * In a user namespace init may not reach what root may: then the reaper, which is outside, takes unattached copies of
 * the mounts that the config names. Without privileges the reaper could not, and init can as well.
 */
export function sourcesFromReaper(c: Compilation): boolean {
  return c.userNamespace && c.privileged;
}

/** Idmapping is the reaper's, too: it needs privileges over the file system, also over a new one. */
function fromReaper(c: Compilation, { inside, options: { bind, remount, idmap } }: PlannedMount): boolean {
  if (remount !== "no" || inside !== undefined) return false;
  return idmap !== "no" || (bind !== "no" && sourcesFromReaper(c));
}

export function sourceSlot(c: Compilation, name: string): Slot {
  return c.p.slot(`source of ${name}`);
}

export function absoluteSource(c: Pick<Compilation, "plan">, source: string): string {
  return isAbsolute(source) ? source : join(c.plan.request.bundle, source);
}

/**
 * What the reaper copies of the host's mounts is a peer of theirs, as little in init's is by then: mounts in the container
 * would show on the host, and the kernel has no such mount for a root. To be told again by the legacy form in init.
 */
export const NO_PEER: AttributeSetting = { propagation: "MS_SLAVE", recursive: true };

/** Of a bind: its copy is one of those. */
export function leavesPeers(c: Compilation, planned: PlannedMount): boolean {
  return planned.options.bind !== "no" && fromReaper(c, planned) && !isShared(planned);
}

export function emitBindSources(c: Compilation): void {
  // Of the cgroup that init is in, no device may be opened that the container may not open.
  if (c.plan.rootfs.kind === "disk") emitDiskMount(c.p, c.plan.rootfs, sourceSlot(c, "root"));
  if (sourcesFromReaper(c) && c.plan.rootfs.kind === "directory") {
    c.p.step({ action: `take root file system "${c.plan.rootfs.path}"`, field: "root.path" });
    emitCloneMount(c.p, c.p.flags("AT_FDCWD"), c.plan.rootfs.path, true, sourceSlot(c, "root"));
    emitMountAttributes(c.p, sourceSlot(c, "root"), NO_PEER);
  }
  for (const planned of plannedMounts(c)) {
    if (planned.inside !== undefined) emitIdmapNamespace(c, planned);
    if (!fromReaper(c, planned)) continue;
    const slot = sourceSlot(c, planned.field);
    if (planned.options.bind === "no") emitNewSource(c, planned, slot);
    else emitTakeSource(c, planned, slot);
    if (leavesPeers(c, planned)) emitMountAttributes(c.p, slot, NO_PEER);
    emitIdmap(c, planned, slot);
  }
}

/** A bind that is to stay in touch with the host: what is mounted below it on either side shows on the other. */
function isShared({ inside, options }: PlannedMount): boolean {
  return inside === undefined && options.bind !== "no" && options.propagation?.flag === "MS_SHARED";
}

/** In init, while its mounts are still peers of the host's: takes the copies of binds that are to stay peers. */
export function emitSharedSources(c: Compilation): void {
  for (const planned of plannedMounts(c)) {
    if (isShared(planned) && !fromReaper(c, planned)) emitTakeSource(c, planned, sourceSlot(c, planned.field));
  }
}

/** In init: the unattached copy of the mount that a bind names. */
export function emitBindSource(c: Compilation, planned: PlannedMount): Slot {
  const slot = c.p.slot("mount");
  if (fromReaper(c, planned) || isShared(planned)) {
    c.p.step({ action: `bind "${planned.mount.source}" to "${planned.mount.destination}"`, field: planned.field });
    if (!isShared(planned) || fromReaper(c, planned)) return sourceSlot(c, planned.field);
    emitCopyInOrder(c, planned, slot);
    return slot;
  }
  if (planned.inside === undefined) emitTakeSource(c, planned, slot);
  else emitTakeFromInside(c, planned, planned.inside, slot);
  return slot;
}

/** A new file system whose owners are to be mapped. */
function emitNewSource(c: Compilation, planned: PlannedMount, into: Slot): void {
  const { mount, field, options } = planned;
  const what = options.copyUp ? "tmpcopyup" : mount.type;
  if (options.copyUp || isCgroupMount(planned)) {
    throw new OrlopError("unsupported", `Cannot idmap mount "${mount.destination}": it is a ${what}`, {
      field: `${field}.options`,
    });
  }
  const fileSystem = newFileSystem(planned);
  c.p.step({ action: `make a ${fileSystem.type} for "${mount.destination}"`, field });
  emitNewFileSystem(c.p, fileSystem, into);
}

function emitTakeSource(c: Compilation, { mount, field, options }: PlannedMount, into: Slot): void {
  const { p } = c;
  const source = absoluteSource(c, mount.source ?? "");
  p.step({ action: `bind "${source}" to "${mount.destination}"`, field: `${field}.source` });
  emitCloneMount(p, p.flags("AT_FDCWD"), source, options.bind === "recursive", into);
}

/** What earlier mounts have put there, links followed inside the root. Owners are mapped by init: it is in its mounts. */
function emitTakeFromInside(c: Compilation, planned: PlannedMount, inside: string, into: Slot): void {
  const { p } = c;
  const { mount, field, options } = planned;
  const place = p.slot("source_place");
  p.step({
    action: `bind "${inside}" of the container to "${mount.destination}"`,
    field: `${field}.source`,
    why: "an earlier mount has put there what the host does not see",
  });
  emitOpenInRoot(p, c.root, inside, place, { flags: "O_PATH" });
  emitCloneMount(p, place, "", options.bind === "recursive", into);
  p.call("close", [place]);
  emitIdmapFrom(c, planned, into);
}

/**
 * The kernel lists mounts in the order in which they were copied, so what was taken early is copied once more; before
 * Linux 6.15 it copies only what is attached, and the first copy has to do.
 */
function emitCopyInOrder({ p }: Compilation, { field, options }: PlannedMount, into: Slot): void {
  const taken = p.slot(`source of ${field}`);
  const whole = p.label("use the first copy");
  const done = p.label("it is copied");
  emitCloneMount(p, taken, "", options.bind === "recursive", into, { on: ["EINVAL"], goto: whole });
  p.call("close", [taken]);
  p.jump(done);
  p.mark(whole);
  p.set(into, taken);
  p.mark(done);
}
