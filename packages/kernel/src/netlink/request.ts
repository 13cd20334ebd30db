import { OrlopError } from "@orlop/core";
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter, type Mark } from "./byte-writer.ts";
import type { Codec } from "./codec.ts";
import { encodeMessage, messageHeader, type NetlinkMessage, NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST } from "./message.ts";

/** A message type: the kernel's name and its number. */
export interface MessageType {
  readonly name: string;
  readonly number: number;
}

/**
 * One message to the kernel, ready but for its sequence number. `T` is what its answers decode to; `never` for a
 * request that is only acknowledged.
 */
export interface NetlinkRequest<T = never> {
  /** A verb phrase for errors: `create link`. */
  readonly operation: string;
  /** What it is done to, for errors: `br0`. Empty where the operation says it all. */
  readonly object: string;
  readonly type: MessageType;
  /** NLM_F_ bits, NLM_F_REQUEST included. */
  readonly flags: number;
  /** Header of the family, and attributes. */
  readonly body: Uint8Array;
  /** Where each field and attribute of `body` stands. */
  readonly marks: readonly Mark[];
  /** The configuration field that asked for it, for errors: `linux.netDevices.eth0`. */
  readonly field?: string;
  /** Whether the kernel answers with a list that an NLMSG_DONE ends. */
  readonly dump: boolean;
  /** Decodes one answer; `undefined` passes over it (a filter the kernel does not apply itself). */
  readonly decode?: (message: NetlinkMessage) => T | undefined;
}

/** What the builders of this folder say of a request. */
interface RequestDescription<T> {
  readonly operation: string;
  readonly object: string;
  readonly type: MessageType;
  /** Beyond NLM_F_REQUEST and NLM_F_ACK. */
  readonly flags?: number;
  readonly write: (to: ByteWriter) => void;
  readonly decode?: (message: NetlinkMessage) => T | undefined;
}

/** A request that changes something and is acknowledged. */
export function changeRequest(description: Omit<RequestDescription<never>, "decode">): NetlinkRequest {
  return build(description, NLM_F_REQUEST | NLM_F_ACK);
}

/** A request for one object: the kernel answers with it, or with an error. */
export function getRequest<T>(description: RequestDescription<T>): NetlinkRequest<T> {
  return build(description, NLM_F_REQUEST | NLM_F_ACK);
}

/** A request for all objects of a kind. */
export function dumpRequest<T>(description: RequestDescription<T>): NetlinkRequest<T> {
  return build(description, NLM_F_REQUEST | NLM_F_DUMP, true);
}

/** A message of a batch that the kernel does not answer. */
export function silentRequest(description: Omit<RequestDescription<never>, "decode">): NetlinkRequest {
  return build(description, NLM_F_REQUEST);
}

function build<T>(description: RequestDescription<T>, flags: number, dump = false): NetlinkRequest<T> {
  const { operation, object, type, decode } = description;
  const writer = new ByteWriter(type.name);
  description.write(writer);
  const request = { operation, object, type, flags: flags | (description.flags ?? 0), body: writer.finish() };
  return { ...request, dump, marks: writer.marks, ...(decode === undefined ? {} : { decode }) };
}

/** The same request, whose refusal names the configuration field that asked for it. */
export function askedByField<T>(request: NetlinkRequest<T>, field: string): NetlinkRequest<T> {
  return { ...request, field };
}

/** The bytes of one request, padded to four. */
export function encodeRequest(request: NetlinkRequest<unknown>, sequence: number): Uint8Array {
  const { type, flags, body } = request;
  return encodeMessage({ type: type.number, flags, sequence, port: 0, body });
}

/**
 * Where the value of a header field (`ifi_index`) or an attribute (`IFLA_LINKINFO.IFLA_INFO_DATA.VETH_INFO_PEER
 * .IFLA_NET_NS_FD`) stands in the encoded request, in bytes from its start: what a program of system calls patches
 * when the value is known only while it runs. Throws OrlopError("not-found") when the request has no such field.
 */
export function valueOffset(request: NetlinkRequest<unknown>, path: string): number {
  const mark = request.marks.find((candidate) => candidate.path === path);
  if (mark === undefined) {
    throw new OrlopError("not-found", `Cannot find field "${path}": ${request.type.name} was built without it`, {
      operation: "find netlink field",
    });
  }
  return messageHeader.size + mark.valueOffset;
}

/** Decodes the body of a message that must be of one of `types`. */
export function decodeBody<T>(message: NetlinkMessage, types: readonly MessageType[], codec: Codec<T>): T {
  const type = types.find((candidate) => candidate.number === message.type);
  const reader = new ByteReader(message.body, type?.name ?? `message type ${message.type}`);
  if (type === undefined) reader.fail(`it is not ${types.map((candidate) => candidate.name).join(" or ")}`);
  return codec.read(reader);
}
