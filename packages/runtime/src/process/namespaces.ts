import { constants } from "node:os";
import { type LinuxNamespaceType, OrlopError } from "@orlop/core";
import type { ConstantName, Slot } from "@orlop/kernel";
import { type Compilation, isNew } from "./compilation.ts";
import { emitWriteProc } from "./proc-handle.ts";
import { emitCloneChild } from "./reaper.ts";
import { emitReceiveDescriptor, emitSendDescriptor } from "./send-descriptor.ts";
import { emitLetChildGo } from "./supervision.ts";

export const NAMESPACE_FLAGS: Readonly<Record<LinuxNamespaceType, ConstantName>> = {
  pid: "CLONE_NEWPID",
  network: "CLONE_NEWNET",
  mount: "CLONE_NEWNS",
  ipc: "CLONE_NEWIPC",
  uts: "CLONE_NEWUTS",
  user: "CLONE_NEWUSER",
  cgroup: "CLONE_NEWCGROUP",
  time: "CLONE_NEWTIME",
};

/** Namespaces that one clone makes; cgroup and time come later, from inside. */
const CLONED: readonly LinuxNamespaceType[] = ["user", "mount", "pid", "network", "ipc", "uts"];

const JOINED: readonly LinuxNamespaceType[] = ["pid", "network", "ipc", "uts", "cgroup", "time"];

export function cloneFlags(c: Compilation): readonly ConstantName[] {
  return CLONED.filter((type) => isNew(c, type)).map((type) => NAMESPACE_FLAGS[type]);
}

/** What cannot be done without a mount namespace of the container's own. */
export function checkNamespaces(c: Compilation): void {
  checkMappings(c);
  checkParent(c);
  if (isNew(c, "mount")) return;
  const how = c.namespaces.has("mount") ? "in another's mount namespace" : "without a mount namespace";
  throw new OrlopError(
    "unsupported",
    `Cannot create container "${c.plan.request.id}": ${how} its mounts would show outside`,
    { field: "linux.namespaces" },
  );
}

/** To the kernel they are missing only when they are written: it would call them invalid. */
function checkMappings(c: Compilation): void {
  const { linux = {} } = c.plan.request.spec;
  if (!isNew(c, "user")) return;
  for (const field of ["uidMappings", "gidMappings"] as const) {
    if ((linux[field] ?? []).length > 0) continue;
    throw new OrlopError("invalid", `Cannot make a user namespace: there are no mappings in linux.${field}`, {
      field: `linux.${field}`,
    });
  }
}

function checkParent(c: Compilation): void {
  const { id, userNamespaceParent } = c.plan.request;
  if (userNamespaceParent === undefined || (isNew(c, "user") && !c.privileged)) return;
  const problem = c.privileged ? "root's is the machine's own" : "it gets no user namespace of its own";
  throw new OrlopError(
    "invalid",
    `Cannot create container "${id}" below user namespace "${userNamespaceParent}": ${problem}`,
    { field: "linux.namespaces" },
  );
}

/**
 * Namespaces given by path, in an order in which they can be entered: the host's root may enter any, and the user namespace
 * comes last, for the others need not belong to it; to anybody else it gives the right to enter them.
 */
function joinedNamespaces(c: Compilation): readonly (readonly [LinuxNamespaceType, string])[] {
  const order: readonly LinuxNamespaceType[] = c.plan.host.rootless ? ["user", ...JOINED] : [...JOINED, "user"];
  return order.flatMap((type) => {
    const path = c.namespaces.get(type);
    return path === undefined ? [] : [[type, path] as const];
  });
}

export function joinsUserNamespace(c: Compilation): boolean {
  return c.namespaces.get("user") !== undefined;
}

/** Init is made by a process in between, which has entered another user namespace: init's own one, or its parent. */
export function hasOneBetween(c: Compilation): boolean {
  return joinsUserNamespace(c) || c.plan.request.userNamespaceParent !== undefined;
}

/**
 * Starts init in namespaces of a user namespace that exists: a process in between enters that one first, so that it owns
 * the new ones, and makes init its own sibling, the reaper's child. Where that namespace is to be the parent of init's own one,
 * nobody is in there who could look into the process, which init needs to see itself in procfs.
 */
export function emitJoiningClone(c: Compilation, cgroup: Slot | undefined): void {
  const { p, slots, labels } = c;
  const between = p.slot("between");
  const joined = p.label("init is started");
  p.step({ action: "start a process to enter namespaces", field: "linux.namespaces" });
  p.call("clone", [p.number(constants.signals.SIGCHLD, "SIGCHLD"), 0, 0, 0, 0], { into: between });
  p.branch(between, "ne", 0, joined);
  p.role("between");
  p.handler(labels.childFailed);
  const parent = c.plan.request.userNamespaceParent;
  // CVE-2016-9962: nobody inside may look into this process while it still holds descriptors of the host.
  if (parent === undefined) p.call("prctl", [p.flags("PR_SET_DUMPABLE"), 0, 0, 0, 0]);
  else emitEnter(c, "user", parent, `enter user namespace "${parent}", the parent of the container's`);
  const joinsCgroupNamespace = c.namespaces.get("cgroup") !== undefined;
  if (joinsCgroupNamespace && cgroup !== undefined) emitEnterFirst(c, cgroup);
  emitJoinNamespaces(c);
  p.step({ action: "start init in its namespaces", field: "linux.namespaces" });
  emitCloneChild(c, [...cloneFlags(c), "CLONE_PARENT"], joinsCgroupNamespace ? undefined : cgroup);
  emitSendDescriptor(c, slots.pidfd, slots.child);
  p.call("exit_group", [0]);
  p.role("reaper");
  p.mark(joined);
  p.step({ action: "take init's pidfd", field: "linux.namespaces" });
  p.call("close", [slots.syncChild]);
  emitReceiveDescriptor(c, slots.pidfd, slots.child);
  p.call("waitid", [p.flags("P_PID"), between, 0, p.flags("WEXITED|__WALL"), 0], { ignore: ["ECHILD"] });
  emitLetChildGo(c);
}

/** Init is to be in the cgroup from its start, which it has to inherit: see {@link initJoinsCgroupNamespace}. */
function emitEnterFirst({ p }: Compilation, cgroup: Slot): void {
  const file = p.slot("namespace");
  p.step({ action: "enter the cgroup", field: "linux.cgroupsPath" });
  p.call("openat", [cgroup, p.text("cgroup.procs"), p.flags("O_WRONLY|O_CLOEXEC"), 0], { into: file });
  p.call("write", [file, p.text("0"), 1]);
  p.call("close", [file]);
}

/**
 * Opens and enters each; setns(2) is told the kind, so that a path to another kind is refused. A cgroup namespace is only
 * opened where init can enter it later.
 */
export function emitJoinNamespaces(c: Compilation): void {
  const { p } = c;
  for (const [type, path] of joinedNamespaces(c)) {
    const isLate = type === "cgroup" && initJoinsCgroupNamespace(c);
    if (!isLate) {
      emitEnter(c, type, path, `enter ${type} namespace "${path}"`);
      continue;
    }
    p.step({ action: `open ${type} namespace "${path}"`, field: "linux.namespaces" });
    const into = p.slot("cgroup_namespace");
    p.call("openat", [p.flags("AT_FDCWD"), p.text(path), p.flags("O_RDONLY|O_CLOEXEC"), 0], { into });
  }
}

function emitEnter({ p }: Compilation, type: LinuxNamespaceType, path: string, action: string): void {
  const fd = p.slot("namespace");
  p.step({ action, field: "linux.namespaces" });
  p.call("openat", [p.flags("AT_FDCWD"), p.text(path), p.flags("O_RDONLY|O_CLOEXEC"), 0], { into: fd });
  p.call("setns", [fd, p.flags(NAMESPACE_FLAGS[type])]);
  p.call("close", [fd]);
}

/**
 * From inside one nobody is started in a cgroup outside, where these are the limits of delegation (cgroups(7), nsdelegate).
 * In a user namespace init may have no right to it.
 */
function initJoinsCgroupNamespace(c: Compilation): boolean {
  return c.namespaces.get("cgroup") !== undefined && !c.userNamespace;
}

/** In the reaper, when init has been started. */
export function emitForgetCgroupNamespace(c: Compilation): void {
  if (initJoinsCgroupNamespace(c)) c.p.call("close", [c.p.slot("cgroup_namespace")]);
}

/** In init, which is in its cgroup by now. */
export function emitCgroupNamespace(c: Compilation): void {
  if (initJoinsCgroupNamespace(c)) {
    const fd = c.p.slot("cgroup_namespace");
    c.p.step({ action: "enter the cgroup namespace", field: "linux.namespaces" });
    c.p.call("setns", [fd, c.p.flags("CLONE_NEWCGROUP")]);
    c.p.call("close", [fd]);
  }
  if (!isNew(c, "cgroup")) return;
  const { p } = c;
  p.step({
    action: "make a cgroup namespace",
    field: "linux.namespaces",
    why: "after entering the cgroup, which it then shows as its root",
  });
  p.call("unshare", [p.flags("CLONE_NEWCGROUP")]);
}

/** In init: a time namespace, which it then enters. */
export function emitTimeNamespace(c: Compilation): void {
  if (!isNew(c, "time")) return;
  const { p } = c;
  p.step({ action: "make a time namespace", field: "linux.namespaces" });
  p.call("unshare", [p.flags("CLONE_NEWTIME")]);
  const offsets = Object.entries(c.plan.request.spec.linux?.timeOffsets ?? {});
  if (offsets.length > 0) {
    p.step({ action: "set time offsets", field: "linux.timeOffsets" });
    const text = offsets.map(([clock, offset]) => `${clock} ${offset.secs ?? 0} ${offset.nanosecs ?? 0}\n`).join("");
    emitWriteProc(p, c.proc, "self/timens_offsets", text);
  }
  const fd = p.slot("namespace");
  p.step({ action: "enter the time namespace", why: "on older kernels (6.1) an exec alone does not do that" });
  const path = p.text("self/ns/time_for_children");
  p.call("openat", [c.proc, path, p.flags("O_RDONLY|O_CLOEXEC"), 0], { into: fd });
  p.call("setns", [fd, p.flags("CLONE_NEWTIME")]);
  p.call("close", [fd]);
}
