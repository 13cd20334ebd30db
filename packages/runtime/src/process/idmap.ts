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
export function emitIdmap(c: Compilation, { mount, field, options }: PlannedMount, fd: Slot): void {
  if (options.idmap === "no") return;
  const { linux } = c.plan.request.spec;
  const uids = mount.uidMappings ?? linux?.uidMappings;
  const gids = mount.gidMappings ?? linux?.gidMappings;
  if (uids === undefined || gids === undefined || uids.length === 0 || gids.length === 0) {
    throw new OrlopError(
      "invalid",
      `Cannot idmap mount "${mount.destination}": neither it nor the container has id mappings`,
      {
        field: `${field}.uidMappings`,
      },
    );
  }
  if (!c.privileged) {
    throw new OrlopError(
      "denied",
      `Cannot idmap mount "${mount.destination}": only root may map the owners of a file system`,
      {
        field: `${field}.options`,
      },
    );
  }
  const { p } = c;
  const namespace = p.slot("idmap_namespace");
  emitMappedNamespace(c, uids, gids, namespace, `${field}.uidMappings`);
  p.step({ action: `map the owners of "${mount.destination}"`, field: `${field}.options` });
  emitMountAttributes(p, fd, { userNamespace: namespace, recursive: options.idmap === "recursive" });
  p.call("close", [namespace]);
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
