import type { LinuxIDMapping } from "@orlop/core";
import type { ProgramBuilder, Slot } from "@orlop/kernel";
import type { Compilation } from "./compilation.ts";
import { joinsUserNamespace } from "./namespaces.ts";
import { emitReceiveDescriptor, emitSendDescriptor } from "./send-descriptor.ts";

/**
 * In the reaper: writes init's id maps. The reaper is outside the new namespace and may; it reaches init's files through
 * a descriptor of init's own /proc/self, because a program cannot print a pid into a path.
 */
export function emitWriteIdMaps(c: Compilation): void {
  const { p, plan } = c;
  const { uidMappings = [], gidMappings = [] } = plan.request.spec.linux ?? {};
  const proc = p.slot("proc_init");
  p.step({ action: "receive init's directory in /proc", field: "linux.uidMappings" });
  emitReceiveDescriptor(c, proc);
  if (!c.privileged) {
    p.step({
      action: "give up setgroups in the user namespace",
      field: "linux.gidMappings",
      why: "without privileges the kernel wants this before it takes a gid map (CVE-2014-8989)",
    });
    emitWriteFile(p, proc, "setgroups", "deny");
  }
  p.step({ action: "map user and group ids", field: "linux.uidMappings" });
  emitWriteMaps(p, proc, uidMappings, gidMappings);
  const { oomScoreAdj } = plan.request.spec.process ?? {};
  if (oomScoreAdj !== undefined && reaperSetsOomScore(c)) {
    p.step({ action: `set OOM score adjustment ${oomScoreAdj}`, field: "process.oomScoreAdj" });
    emitWriteFile(p, proc, "oom_score_adj", String(oomScoreAdj));
  }
  p.call("close", [proc]);
  p.call("write", [c.slots.syncReaper, p.text("."), 1]);
}

/**
 * In init whose user namespace has another parent than the reaper's: nobody but who is within one of these two may write the
 * maps, and who has made it may map itself. In the parent setgroups(2) has been given up already.
 */
export function emitWriteOwnIdMaps({ p, plan }: Compilation): void {
  const { uidMappings = [], gidMappings = [] } = plan.request.spec.linux ?? {};
  const proc = p.slot("proc_self");
  p.step({ action: "map user and group ids", field: "linux.uidMappings" });
  p.call("openat", [p.flags("AT_FDCWD"), p.text("/proc/self"), p.flags("O_PATH|O_DIRECTORY|O_CLOEXEC"), 0], {
    into: proc,
  });
  emitWriteMaps(p, proc, uidMappings, gidMappings);
  p.call("close", [proc]);
}

/** Root of a user namespace may only raise its score; real root, outside, may lower it. */
export function reaperSetsOomScore(c: Compilation): boolean {
  return c.userNamespace && c.privileged && !joinsUserNamespace(c);
}

function emitWriteFile(p: ProgramBuilder, directory: Slot, name: string, content: string): void {
  const file = p.slot("file");
  const bytes = Buffer.from(content);
  p.call("openat", [directory, p.text(name), p.flags("O_WRONLY|O_CLOEXEC|O_NOFOLLOW"), 0], { into: file });
  p.call("write", [file, p.bytes(bytes, JSON.stringify(content)), bytes.length]);
  p.call("close", [file]);
}

/** Writes both maps of the process whose directory of procfs is `proc`. */
export function emitWriteMaps(
  p: ProgramBuilder,
  proc: Slot,
  uids: readonly LinuxIDMapping[],
  gids: readonly LinuxIDMapping[],
): void {
  emitWriteFile(p, proc, "uid_map", mapText(uids));
  emitWriteFile(p, proc, "gid_map", mapText(gids));
}

function mapText(mappings: readonly LinuxIDMapping[]): string {
  return mappings.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join("");
}

/** In init: shows the reaper the way to the map files, and waits for the maps. */
export function emitAwaitIdMaps(c: Compilation): void {
  const { p, slots } = c;
  const proc = p.slot("proc_self");
  const got = p.slot("got");
  p.step({ action: "wait for the user namespace's id maps", field: "linux.uidMappings" });
  p.call("openat", [p.flags("AT_FDCWD"), p.text("/proc/self"), p.flags("O_PATH|O_DIRECTORY|O_CLOEXEC"), 0], {
    into: proc,
  });
  emitSendDescriptor(c, proc);
  p.call("close", [proc]);
  p.call("read", [slots.syncChild, p.buffer(8, "<byte>"), 1], { into: got });
  const mapped = p.label("mapped");
  p.branch(got, "ne", 0, mapped);
  p.call("exit_group", [1]);
  p.mark(mapped);
}

/**
 * In init, once the ids are mapped: everything up to the user's own identity is done as root of the namespace or, where that
 * has none, as who made it: that one has all capabilities there, too.
 */
export function emitBecomeRoot(c: Compilation): void {
  const { p } = c;
  const { uidMappings = [], gidMappings = [] } = c.plan.request.spec.linux ?? {};
  p.step({ action: "become root of the user namespace", field: "linux.uidMappings" });
  if (hasRoot(gidMappings)) p.call("setresgid", [0, 0, 0]);
  if (hasRoot(uidMappings)) p.call("setresuid", [0, 0, 0]);
}

/** A namespace that is joined has maps that others have written. */
function hasRoot(mappings: readonly LinuxIDMapping[]): boolean {
  return mappings.length === 0 || mappings.some(({ containerID }) => Number(containerID) === 0);
}
