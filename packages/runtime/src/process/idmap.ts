import { constants } from "node:os";
import { type LinuxIDMapping, OrlopError } from "@orlop/core";
import { CLONE_ARGS, emitMountAttributes, type ProgramBuilder, type Slot } from "@orlop/kernel";
import type { Compilation } from "./compilation.ts";
import { mountsAroundCgroups } from "./mount-order.ts";
import { type PlannedMount, plannedMounts } from "./mount-sources.ts";
import { emitReceiveDescriptorFrom, emitSendDescriptorTo } from "./send-descriptor.ts";
import { emitWriteMaps } from "./user-namespace.ts";

/**
 * In the reaper: maps the owners of the unattached mount `fd` as `idmap` or `ridmap` ask. The mapping is that of a user
 * namespace, so one is made for it, by a process that exists just as long as its maps are written.
 */
export function emitIdmap(c: Compilation, planned: PlannedMount, fd: Slot): void {
  if (planned.options.idmap === "no") return;
  const namespace = c.p.slot("idmap_namespace");
  emitNamespaceOf(c, planned, namespace);
  emitMapOwners(c, planned, fd, namespace);
}

/** In the reaper: makes the user namespace for {@link emitIdmapFrom}. */
export function emitIdmapNamespace(c: Compilation, planned: PlannedMount): void {
  if (planned.options.idmap === "no") return;
  emitNamespaceOf(c, planned, heldNamespace(c, planned));
}

/** In init: the same as {@link emitIdmap}, for a source that only init sees. In a user namespace the reaper does it. */
export function emitIdmapFrom(c: Compilation, planned: PlannedMount, fd: Slot): void {
  if (planned.options.idmap === "no") return;
  if (c.userNamespace) emitHaveOwnersMapped(c, planned, fd);
  else emitMapOwners(c, planned, fd, heldNamespace(c, planned));
}

/** Mounts whose owners the reaper maps while init waits: over their file systems root of a user namespace has no rights. */
function mappedForInit(c: Compilation): readonly PlannedMount[] {
  if (!c.userNamespace) return [];
  const { early, late } = mountsAroundCgroups(plannedMounts(c));
  return [...early, ...late].filter(({ inside, options }) => inside !== undefined && options.idmap !== "no");
}

function ends({ p }: Compilation): Record<"ours" | "inits", Slot> {
  return { ours: p.slot("mapping_end"), inits: p.slot("mapping_init_end") };
}

/** In the reaper, before init is there: a socket for {@link emitMapForInit}, whose turn is no word's on their other one. */
export function emitMakeMappingSocket(c: Compilation): void {
  if (mappedForInit(c).length === 0) return;
  const { p } = c;
  p.step({ action: "make a socket for mounts whose owners are to be mapped" });
  emitSocketPair(p, ends(c).ours, ends(c).inits);
}

/** In the reaper: maps the owners of the mounts that init sends, in init's order. */
export function emitMapForInit(c: Compilation): void {
  const mounts = mappedForInit(c);
  if (mounts.length === 0) return;
  const { p } = c;
  const { ours, inits } = ends(c);
  const fd = p.slot("mount");
  p.call("close", [inits]);
  for (const planned of mounts) {
    p.step({ action: `wait for the mount at "${planned.mount.destination}"`, field: planned.field });
    emitReceiveDescriptorFrom(p, ours, fd);
    emitMapOwners(c, planned, fd, heldNamespace(c, planned));
    p.call("close", [fd]);
    p.call("write", [ours, p.text("."), 1]);
  }
  p.call("close", [ours]);
}

/** In init. An end of the socket means that the reaper has failed and said so. */
function emitHaveOwnersMapped(c: Compilation, planned: PlannedMount, fd: Slot): void {
  const { mount, field } = planned;
  const { p } = c;
  const { ours, inits } = ends(c);
  const got = p.slot("got");
  const mapped = p.label("the owners are mapped");
  p.step({ action: `have the owners of "${mount.destination}" mapped`, field: `${field}.options` });
  if (planned === mappedForInit(c)[0]) p.call("close", [ours]);
  emitSendDescriptorTo(p, inits, fd);
  p.call("read", [inits, p.buffer(8, "<answer>"), 1], { into: got });
  p.branch(got, "ne", 0, mapped);
  p.call("exit_group", [1]);
  p.mark(mapped);
}

function emitSocketPair(p: ProgramBuilder, first: Slot, second: Slot): void {
  const pair = p.buffer(8, "{socket, socket}");
  p.call("socketpair", [p.flags("AF_UNIX"), p.flags("SOCK_SEQPACKET|SOCK_CLOEXEC"), 0, pair]);
  p.load(first, pair, 4);
  p.load(second, pair.at(4), 4);
}

function heldNamespace(c: Compilation, { field }: PlannedMount): Slot {
  return c.p.slot(`id mapping of ${field}`);
}

function emitMapOwners(c: Compilation, { mount, field, options }: PlannedMount, fd: Slot, namespace: Slot): void {
  const { p } = c;
  p.step({ action: `map the owners of "${mount.destination}"`, field: `${field}.options` });
  emitMountAttributes(p, fd, { userNamespace: namespace, recursive: options.idmap === "recursive" });
  p.call("close", [namespace]);
}

function emitNamespaceOf(c: Compilation, { mount, field }: PlannedMount, into: Slot): void {
  const { linux } = c.plan.request.spec;
  const joined = c.namespaces.get("user");
  const uids = mount.uidMappings ?? linux?.uidMappings ?? [];
  const gids = mount.gidMappings ?? linux?.gidMappings ?? [];
  const isMapped = uids.length > 0 && gids.length > 0;
  const refuse = (code: "invalid" | "denied", what: string, member: string): never => {
    throw new OrlopError(code, `Cannot idmap mount "${mount.destination}": ${what}`, { field: `${field}.${member}` });
  };
  if (!isMapped && joined === undefined)
    refuse("invalid", "neither it nor the container has id mappings", "uidMappings");
  if (!c.privileged) refuse("denied", "only root may map the owners of a file system", "options");
  if (isMapped) {
    emitMappedNamespace(c, uids, gids, into, `${field}.uidMappings`);
    return;
  }
  const { p } = c;
  p.step({ action: `open user namespace "${joined}" for its id mappings`, field: `${field}.options` });
  p.call("openat", [p.flags("AT_FDCWD"), p.text(joined ?? ""), p.flags("O_RDONLY|O_CLOEXEC"), 0], { into });
}

function emitMappedNamespace(
  c: Compilation,
  uids: readonly LinuxIDMapping[],
  gids: readonly LinuxIDMapping[],
  into: Slot,
  field: string,
): void {
  const { p } = c;
  const child = p.slot("idmap_child");
  const ours = p.slot("idmap_ours");
  const theirs = p.slot("idmap_theirs");
  const proc = p.slot("idmap_proc");
  const parent = p.label("write the maps");
  p.step({ action: "make a user namespace for an id mapping", field });
  emitSocketPair(p, ours, theirs);
  const args = p.struct(CLONE_ARGS, {
    flags: p.flags("CLONE_NEWUSER"),
    exit_signal: p.number(constants.signals.SIGCHLD, "SIGCHLD"),
  });
  p.call("clone3", [args, CLONE_ARGS.size], { into: child });
  p.branch(child, "ne", 0, parent);
  p.handler(c.labels.childFailed);
  p.call("close", [ours]);
  p.call("openat", [p.flags("AT_FDCWD"), p.text("/proc/self"), p.flags("O_PATH|O_DIRECTORY|O_CLOEXEC"), 0], {
    into: proc,
  });
  emitSendDescriptorTo(p, theirs, proc);
  p.call("read", [theirs, p.buffer(8, "<end>"), 1], { ignore: "any" });
  p.call("exit_group", [0]);
  p.mark(parent);
  p.call("close", [theirs]);
  emitReceiveDescriptorFrom(p, ours, proc);
  emitWriteMaps(p, proc, uids, gids);
  p.call("openat", [proc, p.text("ns/user"), p.flags("O_RDONLY|O_CLOEXEC"), 0], { into });
  p.call("close", [proc]);
  p.call("close", [ours]);
  p.call("waitid", [p.flags("P_PID"), child, 0, p.flags("WEXITED|__WALL"), 0], { ignore: ["ECHILD"] });
}
