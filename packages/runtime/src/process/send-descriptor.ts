import { CMSG_ONE_FD, IOVEC, MSGHDR, type Pointer, type Slot } from "@orlop/kernel";
import type { Supervision } from "./supervision.ts";

/** A message of one byte that carries one descriptor; `msg` is what sendmsg(2) and recvmsg(2) take. */
function descriptorMessage({ p }: Supervision): { msg: Pointer; control: Pointer } {
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

/** In the child: sends the descriptor `fd` to the reaper. */
export function emitSendDescriptor(s: Supervision, fd: Slot): void {
  const { msg, control } = descriptorMessage(s);
  s.p.store(control.at(CMSG_ONE_FD.fields.fd.offset), 4, fd);
  s.p.call("sendmsg", [s.slots.syncChild, msg, s.p.flags("MSG_NOSIGNAL")]);
}

/**
 * In the reaper: `into` = the descriptor that the child sends. When the child died instead, the reaper goes over to its
 * loop, which hears of it: `orElse`.
 */
export function emitReceiveDescriptor(s: Supervision, into: Slot): void {
  const { p } = s;
  const { msg, control } = descriptorMessage(s);
  const got = p.slot("got");
  const received = p.label("received");
  p.call("recvmsg", [s.slots.syncReaper, msg, p.flags("MSG_CMSG_CLOEXEC")], { into: got });
  p.branch(got, "ne", 0, received);
  p.fail("EPIPE");
  p.mark(received);
  p.load(into, control.at(CMSG_ONE_FD.fields.fd.offset), 4);
}
