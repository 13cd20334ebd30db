import { CMSG_ONE_FD, IOVEC, MSGHDR } from "../abi/structs.ts";
import type { ProgramBuilder, Value } from "../program/builder.ts";
import type { Pointer, Slot } from "../program/instruction.ts";

/** What a message says beside its descriptor; a socket of streams wants a byte at least. */
interface Body {
  readonly at: Pointer;
  readonly length: number;
}

/** A message with one descriptor: `msg` is what sendmsg(2) and recvmsg(2) take, `fd` where its 32 bits stand. */
export function descriptorMessage(p: ProgramBuilder, body: Body): { readonly msg: Pointer; readonly fd: Pointer } {
  const control = p.struct(CMSG_ONE_FD, {
    cmsg_len: CMSG_ONE_FD.fields.fd.offset + 4,
    cmsg_level: p.flags("SOL_SOCKET"),
    cmsg_type: p.flags("SCM_RIGHTS"),
  });
  const iov = p.struct(IOVEC, { iov_base: body.at, iov_len: body.length });
  const msg = p.struct(MSGHDR, { msg_iov: iov, msg_iovlen: 1, msg_control: control, msg_controllen: CMSG_ONE_FD.size });
  return { msg, fd: control.at(CMSG_ONE_FD.fields.fd.offset) };
}

/**
 * Sends `fd` over a unix socket, with the body.
 *
 * @param sent takes how many bytes of the body were sent
 */
export function emitSendWithDescriptor(p: ProgramBuilder, socket: Value, fd: Slot, body: Body, sent?: Slot): void {
  const message = descriptorMessage(p, body);
  p.store(message.fd, 4, fd);
  p.call("sendmsg", [socket, message.msg, p.flags("MSG_NOSIGNAL")], sent === undefined ? {} : { into: sent });
}
