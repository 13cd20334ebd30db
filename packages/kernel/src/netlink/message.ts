import { ByteReader } from "./byte-reader.ts";
import { u16, u32 } from "./integers.ts";
import { field, Layout } from "./layout.ts";
import { alignmentBytes } from "./limits.ts";

// The message layer of linux/netlink.h.

export const NLM_F_REQUEST = 0x1;
export const NLM_F_MULTI = 0x2;
/** Asks for an NLMSG_ERROR with error 0 when all went well. */
export const NLM_F_ACK = 0x4;
export const NLM_F_ECHO = 0x8;
/** The set changed while it was being dumped, so that the dump may lack objects or hold them twice. */
export const NLM_F_DUMP_INTR = 0x10;

/** For requests that read. */
export const NLM_F_ROOT = 0x100;
export const NLM_F_MATCH = 0x200;
export const NLM_F_DUMP: number = NLM_F_ROOT | NLM_F_MATCH;

/** For requests that create. */
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_APPEND = 0x800;

/** On an NLMSG_ERROR: the request is not echoed whole. */
export const NLM_F_CAPPED = 0x100;
/** On an NLMSG_ERROR: attributes follow the echo. */
export const NLM_F_ACK_TLVS = 0x200;

export const NLMSG_NOOP = 1;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
/** Data was lost. */
export const NLMSG_OVERRUN = 4;
/** Types below this belong to the message layer. */
export const NLMSG_MIN_TYPE = 0x10;

/** `struct nlmsghdr`. */
export interface MessageHeader {
  /** Bytes of the message, this header included, padding not. */
  readonly length: number;
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** The sender's netlink port: 0 in requests, in which the kernel knows it; the socket's in answers. */
  readonly port: number;
}

export const messageHeader: Layout<MessageHeader> = new Layout<MessageHeader>({
  struct: "nlmsghdr",
  header: "linux/netlink.h",
  size: 16,
  fields: {
    length: field("nlmsg_len", u32, 0, 4),
    type: field("nlmsg_type", u16, 4, 2),
    flags: field("nlmsg_flags", u16, 6, 2),
    sequence: field("nlmsg_seq", u32, 8, 4),
    port: field("nlmsg_pid", u32, 12, 4),
  },
});

/** A received message. `body` is a view into the datagram. */
export interface NetlinkMessage extends MessageHeader {
  readonly body: Uint8Array;
}

/** A message as it goes out, padded so that another may follow it. */
export function encodeMessage(message: Omit<MessageHeader, "length"> & { readonly body: Uint8Array }): Uint8Array {
  const length = messageHeader.size + message.body.length;
  const bytes = new Uint8Array(Math.ceil(length / alignmentBytes) * alignmentBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, length, true);
  view.setUint16(4, message.type, true);
  view.setUint16(6, message.flags, true);
  view.setUint32(8, message.sequence, true);
  view.setUint32(12, message.port, true);
  bytes.set(message.body, messageHeader.size);
  return bytes;
}

/**
 * The messages of one datagram, in order. Throws OrlopError("invalid") when a length does not fit, which is what a
 * receive buffer smaller than the datagram leaves behind.
 */
export function decodeMessages(datagram: Uint8Array): NetlinkMessage[] {
  const reader = new ByteReader(datagram, "nlmsghdr");
  const messages: NetlinkMessage[] = [];
  let at = 0;
  while (at < datagram.length) {
    if (at + messageHeader.size > datagram.length) reader.fail(`${datagram.length - at} bytes stand at ${at}, not 16`);
    const header = messageHeader.read(reader.inner("nlmsghdr", at, at + messageHeader.size));
    if (header.length < messageHeader.size || at + header.length > datagram.length) {
      reader.fail(`the message at ${at} says that it has ${header.length} bytes of ${datagram.length - at}`);
    }
    messages.push({ ...header, body: datagram.subarray(at + messageHeader.size, at + header.length) });
    at += Math.ceil(header.length / alignmentBytes) * alignmentBytes;
  }
  return messages;
}
