import {
  descriptorMessage,
  emitConnect,
  emitSendWithDescriptor,
  type Label,
  type ProgramBuilder,
  type Slot,
} from "@orlop/kernel";
import type { Supervision } from "./supervision.ts";

const NUMBER_BYTES = 8;

/** Sends the descriptor `fd` over `socket`, and what the slot `along` holds. */
export function emitSendDescriptorTo(p: ProgramBuilder, socket: Slot, fd: Slot, along?: Slot): void {
  const at = p.buffer(NUMBER_BYTES, "<number>");
  if (along !== undefined) p.store(at, NUMBER_BYTES, along);
  emitSendWithDescriptor(p, socket, fd, { at, length: NUMBER_BYTES });
}

/** `into` = the descriptor that comes over `socket`; when the other end closed instead, on to `closed`, or EPIPE. */
export function emitReceiveDescriptorFrom(
  p: ProgramBuilder,
  socket: Slot,
  into: Slot,
  { along, closed }: { readonly along?: Slot | undefined; readonly closed?: Label } = {},
): void {
  const number = p.buffer(NUMBER_BYTES, "<number>");
  const message = descriptorMessage(p, { at: number, length: NUMBER_BYTES });
  const got = p.slot("got");
  const received = p.label("received");
  p.call("recvmsg", [socket, message.msg, p.flags("MSG_CMSG_CLOEXEC")], { into: got });
  p.branch(got, "ne", 0, received);
  if (closed === undefined) p.fail("EPIPE");
  else p.jump(closed);
  p.mark(received);
  p.load(into, message.fd, 4);
  if (along !== undefined) p.load(along, number, NUMBER_BYTES);
}

/** Sends a descriptor to whoever listens at a unix socket, with a name, as callers of OCI runtimes take terminals. */
export function emitSendToSocket(p: ProgramBuilder, path: string, fd: Slot, name: string): void {
  const socket = p.slot("socket");
  emitConnect(p, path, socket);
  const text = Buffer.from(name);
  emitSendWithDescriptor(p, socket, fd, { at: p.bytes(text, JSON.stringify(name)), length: text.length });
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
