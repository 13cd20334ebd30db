import { type ErrorCode, OrlopError } from "@orlop/core";
import { errnoName, errnoWords } from "../abi/errno.ts";
import { AttributeTable, attribute } from "./attributes.ts";
import { ByteReader } from "./byte-reader.ts";
import type { Codec } from "./codec.ts";
import { s32, u32 } from "./integers.ts";
import { attributeMaxBytes } from "./limits.ts";
import {
  messageHeader,
  type NetlinkMessage,
  NLM_F_ACK_TLVS,
  NLM_F_CAPPED,
  NLMSG_DONE,
  NLMSG_ERROR,
} from "./message.ts";
import type { NetlinkRequest } from "./request.ts";
import { plainText } from "./text.ts";

/** What the kernel adds to an errno when NETLINK_EXT_ACK is set (`enum nlmsgerr_attrs`). Offsets count from the request's header. */
export interface ExtendedAck {
  /** The reason in the kernel's words. Also sent with success, as a warning. */
  readonly message?: string;
  /** Where the offending attribute begins. */
  readonly offset?: number;
  /** Type number of an attribute that was required and missing. */
  readonly missingType?: number;
  /** Where the nest begins that lacks it; absent when it lacks in the message itself. */
  readonly missingNest?: number;
}

export const extendedAckAttributes: AttributeTable<ExtendedAck> = new AttributeTable<ExtendedAck>("linux/netlink.h", {
  message: attribute("NLMSGERR_ATTR_MSG", 1, plainText(attributeMaxBytes)),
  offset: attribute("NLMSGERR_ATTR_OFFS", 2, u32),
  missingType: attribute("NLMSGERR_ATTR_MISS_TYPE", 5, u32),
  missingNest: attribute("NLMSGERR_ATTR_MISS_NEST", 6, u32),
});

/** An NLMSG_ERROR or NLMSG_DONE. */
export interface Acknowledgement {
  /** Positive; 0 is success. */
  readonly errno: number;
  readonly extended: ExtendedAck;
}

/** Decodes an NLMSG_ERROR or NLMSG_DONE. Throws OrlopError("invalid") when it is neither, or malformed. */
export function decodeAcknowledgement(message: NetlinkMessage): Acknowledgement {
  if (message.type === NLMSG_DONE) return decodeDone(message);
  const reader = new ByteReader(message.body, "NLMSG_ERROR");
  if (message.type !== NLMSG_ERROR) reader.fail(`message type ${message.type} is no acknowledgement`);
  const echoStart = s32.size;
  if (reader.length < echoStart + messageHeader.size) reader.fail(`it has ${reader.length} bytes of at least 20`);
  const errno = readErrno(reader);
  if ((message.flags & NLM_F_ACK_TLVS) === 0) return { errno, extended: {} };
  // struct nlmsgerr: only the header of the request is echoed when it was capped, and always on success.
  const echoed = messageHeader.read(reader.inner("nlmsghdr", echoStart, echoStart + messageHeader.size)).length;
  const whole = errno !== 0 && (message.flags & NLM_F_CAPPED) === 0;
  const start = echoStart + (whole ? Math.max(messageHeader.size, Math.ceil(echoed / 4) * 4) : messageHeader.size);
  if (start > reader.length) reader.fail(`the echo ends at ${start}, past the ${reader.length} bytes of the message`);
  return { errno, extended: extendedAckAttributes.readAfter(reader, start) };
}

function decodeDone(message: NetlinkMessage): Acknowledgement {
  const reader = new ByteReader(message.body, "NLMSG_DONE");
  // A few kernel families end a dump without the status.
  if (reader.length < s32.size) return { errno: 0, extended: {} };
  const errno = readErrno(reader);
  const tail = (message.flags & NLM_F_ACK_TLVS) !== 0 && errno !== 0;
  return { errno, extended: tail ? extendedAckAttributes.readAfter(reader, s32.size) : {} };
}

function readErrno(reader: ByteReader): number {
  const status: Codec<number> = s32;
  const value = status.read(reader.inner("error", 0, s32.size));
  // A dump's status may be a positive byte count, which is success.
  return value < 0 ? -value : 0;
}

// table: what an errno of netlink means to the caller; the rest is "failed"
const CODES: Readonly<Record<string, ErrorCode>> = {
  EEXIST: "exists",
  ENOENT: "not-found",
  ENODEV: "not-found",
  ENXIO: "not-found",
  ESRCH: "not-found",
  EADDRNOTAVAIL: "not-found",
  EPERM: "denied",
  EACCES: "denied",
  EOPNOTSUPP: "unsupported",
  ENOSYS: "unsupported",
  ENOPROTOOPT: "unsupported",
  EPROTONOSUPPORT: "unsupported",
  EAFNOSUPPORT: "unsupported",
  EINVAL: "invalid",
  ERANGE: "invalid",
  ENAMETOOLONG: "invalid",
  EBUSY: "conflict",
  ENOTEMPTY: "conflict",
  EADDRINUSE: "conflict",
  EAGAIN: "conflict",
  EINTR: "conflict",
  ERESTART: "conflict",
  ENOMEM: "exhausted",
  ENOBUFS: "exhausted",
  ENOSPC: "exhausted",
  EMFILE: "exhausted",
  ENFILE: "exhausted",
  E2BIG: "exhausted",
  EMSGSIZE: "exhausted",
};

/** The error of a refused request: operation, object, errno in words, the kernel's own words and the field they are about. */
export function acknowledgementError(request: NetlinkRequest<unknown>, answer: Acknowledgement): OrlopError {
  const errno = errnoName(answer.errno);
  const subject = request.object === "" ? request.operation : `${request.operation} "${request.object}"`;
  const said = answer.extended.message === undefined ? "" : `; the kernel says "${answer.extended.message}"`;
  const where = describePlace(request, answer.extended);
  const message = `Cannot ${subject}: ${errnoWords(errno)} (${errno})${said}${where === "" ? "" : ` about ${where}`}`;
  const field = request.field === undefined ? {} : { field: request.field };
  return new OrlopError(CODES[errno] ?? "failed", message, { operation: request.operation, errno, ...field });
}

function describePlace(request: NetlinkRequest<unknown>, extended: ExtendedAck): string {
  if (extended.missingType !== undefined) {
    const nest = extended.missingNest === undefined ? request.type.name : nameAt(request, extended.missingNest);
    return `${nest}, which lacks attribute ${extended.missingType}`;
  }
  return extended.offset === undefined ? "" : nameAt(request, extended.offset);
}

function nameAt(request: NetlinkRequest<unknown>, offset: number): string {
  const within = offset - messageHeader.size;
  const found = request.marks.filter((mark) => mark.offset <= within && within < mark.valueOffset + mark.valueBytes);
  // Marks end innermost first, so the first one that holds the offset is the closest.
  const name = found[0]?.path;
  return name === undefined ? `${request.type.name} byte ${offset}` : `${request.type.name} ${name}`;
}
