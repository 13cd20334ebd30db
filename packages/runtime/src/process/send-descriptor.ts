import {
  CMSG_ONE_FD,
  emitConnect,
  IOVEC,
  type Label,
  MSGHDR,
  type Pointer,
  type ProgramBuilder,
  type Slot,
} from "@orlop/kernel";
import type { Supervision } from "./supervision.ts";

const NUMBER_BYTES = 8;

/** A message of a number that carries one descriptor; `msg` is what sendmsg(2) and recvmsg(2) take. */
function descriptorMessage(p: ProgramBuilder): { msg: Pointer; control: Pointer; number: Pointer } {
  const number = p.buffer(NUMBER_BYTES, "<number>");
  const control = p.struct(CMSG_ONE_FD, {
    cmsg_len: 20,
    cmsg_level: p.flags("SOL_SOCKET"),
    cmsg_type: p.flags("SCM_RIGHTS"),
  });
  const iov = p.struct(IOVEC, { iov_base: number, iov_len: NUMBER_BYTES });
  const msg = p.struct(MSGHDR, { msg_iov: iov, msg_iovlen: 1, msg_control: control, msg_controllen: CMSG_ONE_FD.size });
  return { msg, control, number };
}

/** Sends the descriptor `fd` over `socket`, and what the slot `along` holds. */
export function emitSendDescriptorTo(p: ProgramBuilder, socket: Slot, fd: Slot, along?: Slot): void {
  const { msg, control, number } = descriptorMessage(p);
  if (along !== undefined) p.store(number, NUMBER_BYTES, along);
  p.store(control.at(CMSG_ONE_FD.fields.fd.offset), 4, fd);
  p.call("sendmsg", [socket, msg, p.flags("MSG_NOSIGNAL")]);
}

/** `into` = the descriptor that comes over `socket`; when the other end closed instead, on to `closed`, or EPIPE. */
export function emitReceiveDescriptorFrom(
  p: ProgramBuilder,
  socket: Slot,
  into: Slot,
  { along, closed }: { readonly along?: Slot | undefined; readonly closed?: Label } = {},
): void {
  const { msg, control, number } = descriptorMessage(p);
  const got = p.slot("got");
  const received = p.label("received");
  p.call("recvmsg", [socket, msg, p.flags("MSG_CMSG_CLOEXEC")], { into: got });
  p.branch(got, "ne", 0, received);
  if (closed === undefined) p.fail("EPIPE");
  else p.jump(closed);
  p.mark(received);
  p.load(into, control.at(CMSG_ONE_FD.fields.fd.offset), 4);
  if (along !== undefined) p.load(along, number, NUMBER_BYTES);
}

/** Sends a descriptor to whoever listens at a unix socket, with a name, as callers of OCI runtimes take terminals. */
export function emitSendToSocket(p: ProgramBuilder, path: string, fd: Slot, name: string): void {
  const socket = p.slot("socket");
  emitConnect(p, path, socket);
  const text = Buffer.from(name);
  const iov = p.struct(IOVEC, { iov_base: p.bytes(text, JSON.stringify(name)), iov_len: text.length });
  const control = p.struct(CMSG_ONE_FD, {
    cmsg_len: 20,
    cmsg_level: p.flags("SOL_SOCKET"),
    cmsg_type: p.flags("SCM_RIGHTS"),
  });
  p.store(control.at(CMSG_ONE_FD.fields.fd.offset), 4, fd);
  const msg = p.struct(MSGHDR, { msg_iov: iov, msg_iovlen: 1, msg_control: control, msg_controllen: CMSG_ONE_FD.size });
  p.call("sendmsg", [socket, msg, p.flags("MSG_NOSIGNAL")]);
  p.call("close", [socket]);
}

/** In the child: sends the reaper the descriptor `fd`. */
export function emitSendDescriptor(s: Supervision, fd: Slot, along?: Slot): void {
  emitSendDescriptorTo(s.p, s.slots.syncChild, fd, along);
}

/** In the reaper: `into` = the descriptor that the child sends. A child that died has told why before. */
export function emitReceiveDescriptor(s: Supervision, into: Slot, along?: Slot): void {
  emitReceiveDescriptorFrom(s.p, s.slots.syncReaper, into, { along });
}
