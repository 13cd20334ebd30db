import type { LinuxIDMapping } from "@orlop/core";
import { CMSG_ONE_FD, IOVEC, MSGHDR, type Pointer, type Slot } from "@orlop/kernel";
import type { Compilation } from "./compilation.ts";

/** A message of one byte that carries one descriptor; `msg` is what sendmsg(2) and recvmsg(2) take. */
function descriptorMessage(c: Compilation): { msg: Pointer; control: Pointer } {
  const { p } = c;
  const byte = p.buffer(8, "<byte>");
  const control = p.struct(CMSG_ONE_FD, {
    cmsg_len: 20,
    cmsg_level: p.flags("SOL_SOCKET"),
    cmsg_type: p.flags("SCM_RIGHTS"),
  });
  const iov = p.struct(IOVEC, { iov_base: byte, iov_len: 1 });
  const msg = p.struct(MSGHDR, { msg_iov: iov, msg_iovlen: 1, msg_control: control, msg_controllen: CMSG_ONE_FD.size });
  return { msg, control };
}

/** In init: sends the descriptor `fd` to the reaper. */
export function emitSendDescriptor(c: Compilation, fd: Slot): void {
  const { msg, control } = descriptorMessage(c);
  c.p.store(control.at(CMSG_ONE_FD.fields.fd.offset), 4, fd);
  c.p.call("sendmsg", [c.slots.syncInit, msg, c.p.flags("MSG_NOSIGNAL")]);
}

/** In the reaper: `into` = the descriptor that init sends; EPIPE when init died instead. */
export function emitReceiveDescriptor(c: Compilation, into: Slot): void {
  const { p } = c;
  const { msg, control } = descriptorMessage(c);
  const got = p.slot("got");
  const received = p.label("received");
  p.call("recvmsg", [c.slots.syncReaper, msg, p.flags("MSG_CMSG_CLOEXEC")], { into: got });
  p.branch(got, "ne", 0, received);
  p.fail("EPIPE");
  p.mark(received);
  p.load(into, control.at(CMSG_ONE_FD.fields.fd.offset), 4);
}

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
    emitWriteFile(c, proc, "setgroups", "deny");
  }
  p.step({ action: "map user ids", field: "linux.uidMappings" });
  emitWriteFile(c, proc, "uid_map", mapText(uidMappings));
  p.step({ action: "map group ids", field: "linux.gidMappings" });
  emitWriteFile(c, proc, "gid_map", mapText(gidMappings));
  p.call("close", [proc]);
  p.call("write", [c.slots.syncReaper, p.text("."), 1]);
}

function emitWriteFile(c: Compilation, directory: Slot, name: string, content: string): void {
  const { p } = c;
  const file = p.slot("file");
  const bytes = Buffer.from(content);
  p.call("openat", [directory, p.text(name), p.flags("O_WRONLY|O_CLOEXEC|O_NOFOLLOW"), 0], { into: file });
  p.call("write", [file, p.bytes(bytes, JSON.stringify(content)), bytes.length]);
  p.call("close", [file]);
}

function mapText(mappings: readonly LinuxIDMapping[]): string {
  return mappings.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join("");
}

/** In init: shows the reaper the way to the map files, waits for the maps, and becomes root in the namespace. */
export function emitEnterUserNamespace(c: Compilation): void {
  const { p, slots } = c;
  const proc = p.slot("proc_self");
  const got = p.slot("got");
  p.step({ action: "wait for the user namespace's id maps", field: "linux.uidMappings" });
  p.call("openat", [p.flags("AT_FDCWD"), p.text("/proc/self"), p.flags("O_PATH|O_DIRECTORY|O_CLOEXEC"), 0], {
    into: proc,
  });
  emitSendDescriptor(c, proc);
  p.call("close", [proc]);
  p.call("read", [slots.syncInit, p.buffer(8, "<byte>"), 1], { into: got });
  const mapped = p.label("mapped");
  p.branch(got, "ne", 0, mapped);
  p.call("exit_group", [1]);
  p.mark(mapped);
  p.step({ action: "become root of the user namespace", field: "linux.uidMappings" });
  p.call("setresgid", [0, 0, 0]);
  p.call("setresuid", [0, 0, 0]);
}
