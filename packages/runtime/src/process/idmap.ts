import { constants } from "node:os";
import { type LinuxIDMapping, OrlopError } from "@orlop/core";
import { CLONE_ARGS, emitMountAttributes, type Slot } from "@orlop/kernel";
import type { Compilation } from "./compilation.ts";
import type { PlannedMount } from "./mount-sources.ts";
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
  if (c.userNamespace) {
    throw new OrlopError(
      "unsupported",
      `Cannot idmap mount "${planned.mount.destination}": in a user namespace its source must not be an earlier mount's`,
      { field: `${planned.field}.options` },
    );
  }
  emitNamespaceOf(c, planned, heldNamespace(c, planned));
}

/** In init: the same as {@link emitIdmap}, for a source that only init sees. */
export function emitIdmapFrom(c: Compilation, planned: PlannedMount, fd: Slot): void {
  if (planned.options.idmap !== "no") emitMapOwners(c, planned, fd, heldNamespace(c, planned));
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
  const pair = p.buffer(8, "{idmap_ours, idmap_theirs}");
  p.call("socketpair", [p.flags("AF_UNIX"), p.flags("SOCK_SEQPACKET|SOCK_CLOEXEC"), 0, pair]);
  p.load(ours, pair, 4);
  p.load(theirs, pair.at(4), 4);
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
