import { errnoNumber, type Label, type Pointer, type ProgramBuilder, type Slot } from "@orlop/kernel";
import { encodeRequest, type NetlinkRequest, valueOffset } from "@orlop/kernel/netlink";

/** Room for the addresses of one device: about ninety. */
export const ADDRESSES_MAX_BYTES = 8192;

/** The kernel puts no more into an answer to who offers this much: include/linux/netlink.h, NLMSG_GOODSIZE. */
const ANSWER_MAX_BYTES = 8192;

/** include/uapi/linux/netlink.h: struct nlmsghdr, and the error of struct nlmsgerr behind it. */
const HEADER = { length: 0, type: 4, flags: 6, port: 12, error: 16 } as const;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
/** NLM_F_REQUEST|NLM_F_ACK|NLM_F_EXCL|NLM_F_CREATE */
const ADD_FLAGS = 0x605;

/** include/uapi/linux/rtnetlink.h: struct ifinfomsg behind the header. */
const LINK = { index: 20, flags: 24 } as const;

/** include/uapi/linux/if_addr.h: struct ifaddrmsg behind the header, and its attributes. */
const ADDRESS = { flags: 18, scope: 19, index: 20, attributes: 24 } as const;
const RTM_NEWADDR = 20;
const IFA_F_PERMANENT = 0x80;
const IFA_LABEL = 3;

/** struct nlattr. */
const ATTRIBUTE = { length: 0, type: 2 } as const;

/** A conversation with the kernel by netlink: requests and answers take turns. */
export interface NetlinkTalk {
  readonly p: ProgramBuilder;
  readonly answer: Pointer;
}

export function netlinkTalk(p: ProgramBuilder): NetlinkTalk {
  return { p, answer: p.buffer(ANSWER_MAX_BYTES, "<answer>") };
}

/** Sends a request, with what only the running program knows in the places of that name. */
export function emitAsk(
  { p }: NetlinkTalk,
  socket: Slot,
  request: NetlinkRequest<unknown>,
  known: Readonly<Record<string, Slot>> = {},
): void {
  const bytes = encodeRequest(request, 0);
  const message = p.bytes(bytes, `<${request.operation} "${request.object}">`);
  for (const [place, slot] of Object.entries(known)) p.store(message.at(valueOffset(request, place)), 4, slot);
  p.call("sendto", [socket, message, bytes.length, p.flags("MSG_NOSIGNAL"), 0, 0]);
}

function emitReceive({ p, answer }: NetlinkTalk, socket: Slot): void {
  p.call("recvfrom", [socket, answer, ANSWER_MAX_BYTES, 0, 0, 0], { into: p.slot("got") });
}

/** Receives an answer, and fails with the errno in it, if there is one. */
export function emitAnswer(talk: NetlinkTalk, socket: Slot): void {
  const { p } = talk;
  const errno = p.slot("netlink_errno");
  const good = p.label("the answer is good");
  emitReceive(talk, socket);
  emitErrno(talk);
  p.branch(errno, "eq", 0, good);
  p.fail(errno);
  p.mark(good);
}

/** The slot `netlink_errno` = the errno of the answer; 0 where that is good, or no acknowledgement. */
function emitErrno({ p, answer }: NetlinkTalk): void {
  const errno = p.slot("netlink_errno");
  const rest = p.slot("rest");
  const count = p.label("count");
  const done = p.label("errno is known");
  p.set(errno, 0);
  p.load(rest, answer.at(HEADER.type), 2);
  p.branch(rest, "ne", p.number(NLMSG_ERROR, "NLMSG_ERROR"), done);
  p.load(rest, answer.at(HEADER.error), 4);
  p.branch(rest, "eq", 0, done);
  // It is there as a negative number, and a program can only add.
  p.mark(count);
  p.add(errno, errno, 1);
  p.add(rest, rest, 1);
  p.and(rest, rest, p.number(0xffff_ffff));
  p.branch(rest, "ne", 0, count);
  p.mark(done);
}

/** Receives a link, and the acknowledgement behind it: its index and its flags. */
export function emitLinkAnswer(talk: NetlinkTalk, socket: Slot, index: Slot, flags: Slot): void {
  const { p, answer } = talk;
  emitAnswer(talk, socket);
  p.load(index, answer.at(LINK.index), 4);
  p.load(flags, answer.at(LINK.flags), 4);
  emitAnswer(talk, socket);
}

/** Receives the answer to a question for a link; fails with EEXIST unless there is none. */
export function emitNoLinkAnswer(talk: NetlinkTalk, socket: Slot): void {
  const { p } = talk;
  const errno = p.slot("netlink_errno");
  const none = p.label("the name is free");
  const taken = p.label("the name is taken");
  emitReceive(talk, socket);
  emitErrno(talk);
  p.branch(errno, "eq", p.number(errnoNumber("ENODEV"), "ENODEV"), none);
  p.branch(errno, "eq", 0, taken);
  p.fail(errno);
  p.mark(taken);
  p.fail("EEXIST");
  p.mark(none);
}

/** The addresses of a device, each as the request that adds it; `index` is where they are to be added. */
interface KeptAddresses {
  readonly addresses: Pointer;
  readonly addressBytes: Slot;
  readonly index: Slot;
}

/** Receives the list of a device's addresses, and keeps those that are for ever and for everywhere (config-linux.md). */
export function emitKeepAddresses(talk: NetlinkTalk, socket: Slot, kept: KeptAddresses): void {
  const { p, answer } = talk;
  const end = p.slot("got");
  const at = p.slot("message_at");
  const value = p.slot("message_field");
  const next = p.label("next answer");
  const message = p.label("next message");
  const skip = p.label("not this one");
  const done = p.label("all addresses are known");
  p.set(kept.addressBytes, 0);
  p.mark(next);
  emitAnswer(talk, socket);
  p.set(at, 0);
  p.mark(message);
  p.branch(at, "ge", end, next);
  const load = (offset: number, width: 1 | 2): void => p.load(value, answer.at(offset), width, at);
  load(HEADER.type, 2);
  p.branch(value, "eq", p.number(NLMSG_DONE, "NLMSG_DONE"), done);
  p.branch(value, "ne", p.number(RTM_NEWADDR, "RTM_NEWADDR"), skip);
  load(ADDRESS.scope, 1);
  p.branch(value, "ne", p.number(0, "RT_SCOPE_UNIVERSE"), skip);
  load(ADDRESS.flags, 1);
  p.and(value, value, p.number(IFA_F_PERMANENT, "IFA_F_PERMANENT"));
  p.branch(value, "eq", 0, skip);
  emitKeep(talk, at, kept);
  p.mark(skip);
  emitForward(talk, answer, at, 4);
  p.jump(message);
  p.mark(done);
}

/** `at` = the place behind the message or attribute that stands there, which begins with its length. */
function emitForward({ p }: NetlinkTalk, memory: Pointer, at: Slot, lengthBytes: 2 | 4): void {
  const length = p.slot("message_field");
  const sound = p.label("it has a length");
  p.load(length, memory, lengthBytes, at);
  p.branch(length, "ge", 4, sound);
  p.fail("EBADMSG");
  p.mark(sound);
  p.add(length, length, 3);
  p.and(length, length, p.number(0xffff_fffc, "~3U"));
  p.add(at, at, length);
}

/** Copies the message at `at` behind those that are kept, and makes it a request. */
function emitKeep(talk: NetlinkTalk, at: Slot, { addresses, addressBytes }: KeptAddresses): void {
  const { p, answer } = talk;
  const start = p.slot("kept_at");
  const end = p.slot("message_end");
  const from = p.slot("copied_at");
  const word = p.slot("word");
  const copy = p.label("copy");
  const fits = p.label("it fits");
  p.set(start, addressBytes);
  p.set(end, at);
  emitForward(talk, answer, end, 4);
  p.set(from, at);
  p.mark(copy);
  p.branch(addressBytes, "lt", ADDRESSES_MAX_BYTES, fits);
  p.fail("E2BIG");
  p.mark(fits);
  p.load(word, answer, 4, from);
  p.store(addresses, 4, word, addressBytes);
  p.add(from, from, 4);
  p.add(addressBytes, addressBytes, 4);
  p.branch(from, "lt", end, copy);
  p.store(addresses.at(HEADER.flags), 2, p.number(ADD_FLAGS, "NLM_F_REQUEST|NLM_F_ACK|NLM_F_EXCL|NLM_F_CREATE"), start);
  p.store(addresses.at(HEADER.port), 4, 0, start);
  emitForgetLabel(talk, addresses, start, addressBytes);
}

/** An address's label begins with the device's name, which may be another from now on: the kernel makes its own. */
function emitForgetLabel(talk: NetlinkTalk, addresses: Pointer, start: Slot, end: Slot): void {
  const { p } = talk;
  const at = p.slot("attribute_at");
  const type = p.slot("attribute_type");
  const next = p.label("next attribute");
  const other = p.label("not the label");
  const done = p.label("no more attributes");
  p.add(at, start, ADDRESS.attributes);
  p.mark(next);
  p.branch(at, "ge", end, done);
  p.load(type, addresses.at(ATTRIBUTE.type), 2, at);
  p.branch(type, "ne", p.number(IFA_LABEL, "IFA_LABEL"), other);
  p.store(addresses.at(ATTRIBUTE.type), 2, p.number(0, "IFA_UNSPEC"), at);
  p.mark(other);
  emitForward(talk, addresses, at, 2);
  p.jump(next);
  p.mark(done);
}

/** Adds what was kept to the device of that index. */
export function emitPlaceAddresses(talk: NetlinkTalk, socket: Slot, kept: KeptAddresses): void {
  const { p } = talk;
  const { addresses, addressBytes, index } = kept;
  const at = p.slot("message_at");
  const owed = p.slot("owed");
  const each = p.label("next address");
  const send = p.label("add them");
  const hear = p.label("hear of each");
  const done: Label = p.label("addresses are added");
  p.set(at, 0);
  p.set(owed, 0);
  p.mark(each);
  p.branch(at, "ge", addressBytes, send);
  p.store(addresses.at(ADDRESS.index), 4, index, at);
  p.add(owed, owed, 1);
  emitForward(talk, addresses, at, 4);
  p.jump(each);
  p.mark(send);
  p.branch(owed, "eq", 0, done);
  p.call("sendto", [socket, addresses, addressBytes, p.flags("MSG_NOSIGNAL"), 0, 0]);
  p.mark(hear);
  emitAnswer(talk, socket);
  p.add(owed, owed, p.number(-1));
  p.branch(owed, "ne", 0, hear);
  p.mark(done);
}
