import type { Architecture } from "../../abi/architecture.ts";
import { errnoNumber } from "../../abi/errno.ts";
import { ProgramBuilder } from "../../program/builder.ts";
import type { Label, Pointer, Slot } from "../../program/instruction.ts";
import type { Program } from "../../program/program.ts";
import { emitReport, reportBuffer } from "../../zygote/emit-report.ts";
import { FIRST_DESCRIPTOR } from "../../zygote/zygote.ts";
import { datagramMaxBytes } from "../limits.ts";
import {
  NETLINK_CAP_ACK,
  NETLINK_EXT_ACK,
  NETLINK_GET_STRICT_CHK,
  receiveBufferBytes,
  SOL_NETLINK,
} from "../socket.ts";
import { RELAY_ANSWER, RELAY_OPERATIONS, RELAY_PATH_MAX_BYTES, RELAY_REQUEST } from "./relay-frames.ts";

const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const AF_INET6 = 10;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;

/** Memory and numbers that all of the program uses. */
interface Relay {
  readonly p: ProgramBuilder;
  readonly request: Pointer;
  readonly answer: Pointer;
  readonly path: Pointer;
  readonly data: Pointer;
  readonly received: Pointer;
  /** What the deciding call gave. */
  readonly value: Slot;
  readonly length: Slot;
  /** Answers with `value` and nothing else. */
  readonly tell: Label;
}

/**
 * Does in network namespaces what Node cannot: netlink, sysctls, a look at who listens. Takes requests
 * ({@link RELAY_REQUEST}) from its stream one after the other, until that ends.
 */
export function relayProgram(architecture: Architecture): Program {
  const p = new ProgramBuilder(architecture);
  p.role("relay");
  const relay: Relay = {
    p,
    request: p.buffer(RELAY_REQUEST.size, "<request>"),
    answer: p.struct(RELAY_ANSWER, {}),
    path: p.buffer(RELAY_PATH_MAX_BYTES + 1, "<path>"),
    data: p.buffer(datagramMaxBytes, "<data>"),
    received: p.buffer(receiveBufferBytes, "<received>"),
    value: p.slot("value"),
    length: p.slot("length"),
    tell: p.label("tell the result"),
  };
  const [next, leave, failed] = [p.label("next request"), p.label("leave"), p.label("failed")];
  const report = reportBuffer(p);
  p.step({ action: "serve as a relay into network namespaces" });
  p.handler(failed);
  p.set(p.slot("namespace"), 0);
  p.mark(next);
  emitTakeRequest(relay, leave);
  emitEnter(relay);
  for (const [operation, emit] of Object.entries(OPERATIONS)) {
    const other = p.label(`not ${operation}`);
    p.load(p.slot("operation"), field(relay, "operation"), 4);
    p.branch(p.slot("operation"), "ne", RELAY_OPERATIONS[operation as keyof typeof RELAY_OPERATIONS], other);
    p.step({ action: `relay ${operation}` });
    emit(relay);
    p.jump(relay.tell);
    p.mark(other);
  }
  p.fail("EPROTO");
  p.mark(relay.tell);
  p.step({ action: "tell the result" });
  emitTell(relay, { more: 0 });
  p.jump(next);
  p.mark(failed);
  emitReport(p, report, "failed", { index: p.failedIndex, value: p.failedErrno });
  p.mark(leave);
  p.call("exit_group", [0]);
  return p.build();
}

const OPERATIONS: Readonly<Record<keyof typeof RELAY_OPERATIONS, (relay: Relay) => void>> = {
  openNamespace: emitOpenNamespace,
  close: emitClose,
  socket: emitSocket,
  exchange: emitExchange,
  writeFile: emitWriteFile,
  readFile: emitReadFile,
  tryBind: emitTryBind,
  enterUser: emitEnterUser,
};

function field({ request }: Relay, name: keyof typeof RELAY_REQUEST.fields): Pointer {
  return request.at(RELAY_REQUEST.fields[name].offset);
}

/** The slot of that name = that field of the request. */
function loaded(relay: Relay, name: keyof typeof RELAY_REQUEST.fields): Slot {
  const slot = relay.p.slot(name);
  relay.p.load(slot, field(relay, name), 4);
  return slot;
}

function emitTakeRequest(relay: Relay, leave: Label): void {
  const { p, request, path, data } = relay;
  const got = p.slot("got");
  p.step({ action: "wait for a request" });
  const whole = p.flags("MSG_WAITALL");
  p.call("recvfrom", [FIRST_DESCRIPTOR, request, RELAY_REQUEST.size, whole, 0, 0], {
    into: got,
    on: "any",
    goto: leave,
  });
  p.branch(got, "ne", RELAY_REQUEST.size, leave);
  for (const [name, into, most] of [
    ["pathBytes", path, RELAY_PATH_MAX_BYTES],
    ["dataBytes", data, datagramMaxBytes],
  ] as const) {
    const none = p.label(`no ${name}`);
    const length = loaded(relay, name);
    p.branch(length, "ge", most + 1, leave);
    p.branch(length, "eq", 0, none);
    p.call("recvfrom", [FIRST_DESCRIPTOR, into, length, whole, 0, 0], { into: got, on: "any", goto: leave });
    p.branch(got, "ne", length, leave);
    p.mark(none);
  }
}

/** Goes into the namespace of the request, unless that is where it is. */
function emitEnter(relay: Relay): void {
  const { p, value, tell } = relay;
  const wanted = p.slot("wanted");
  const there = p.label("in the namespace");
  p.step({ action: "enter the network namespace" });
  p.load(wanted, field(relay, "namespace"), 4);
  p.branch(wanted, "eq", p.slot("namespace"), there);
  p.branch(wanted, "eq", 0, there);
  p.call("setns", [wanted, p.flags("CLONE_NEWNET")], { into: value, on: "any", goto: tell });
  p.set(p.slot("namespace"), wanted);
  p.mark(there);
}

function emitTell({ p, answer, value, received, length }: Relay, { more }: { readonly more: 0 | 1 }): void {
  const { fields } = RELAY_ANSWER;
  const empty = p.label("nothing follows");
  if (more === 0) p.set(length, 0);
  p.store(answer.at(fields.value.offset), 8, value);
  p.store(answer.at(fields.dataBytes.offset), 4, length);
  p.store(answer.at(fields.more.offset), 4, more);
  const flags = p.flags("MSG_NOSIGNAL");
  p.call("sendto", [FIRST_DESCRIPTOR, answer, RELAY_ANSWER.size, flags, 0, 0]);
  if (more === 0) return;
  p.branch(length, "eq", 0, empty);
  p.call("sendto", [FIRST_DESCRIPTOR, received, length, flags, 0, 0]);
  p.mark(empty);
}

function emitOpenNamespace({ p, path, value, tell }: Relay): void {
  const flags = p.flags("O_RDONLY|O_CLOEXEC");
  p.call("openat", [p.flags("AT_FDCWD"), path, flags, 0], { into: value, on: "any", goto: tell });
}

function emitEnterUser(relay: Relay): void {
  const { p, value } = relay;
  const file = p.slot("file");
  const entered = p.label("it is known whether it is in");
  emitOpenNamespace(relay);
  p.set(file, value);
  p.call("setns", [file, p.flags("CLONE_NEWUSER")], { into: value, on: "any", goto: entered });
  p.mark(entered);
  p.call("close", [file]);
}

/** Not of the namespace that it is in. */
function emitClose(relay: Relay): void {
  const { p, value, tell } = relay;
  p.call("close", [loaded(relay, "a")], { into: value, on: "any", goto: tell });
}

function emitSocket(relay: Relay): void {
  const { p, value, tell } = relay;
  const protocol = loaded(relay, "a");
  const kind = p.flags("SOCK_RAW|SOCK_CLOEXEC");
  p.call("socket", [p.flags("AF_NETLINK"), kind, protocol], { into: value, on: "any", goto: tell });
  const on = p.bytes(Buffer.from([1, 0, 0, 0]), "[1]");
  for (const option of [NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK]) {
    p.call("setsockopt", [value, p.number(SOL_NETLINK, "SOL_NETLINK"), option, on, 4], { ignore: ["ENOPROTOOPT"] });
  }
}

/** The kernel answers before sendto(2) returns, and goes on with a list when it is read. */
function emitExchange(relay: Relay): void {
  const { p, value, tell, data, received, length } = relay;
  const again = p.label("next answer");
  const socket = loaded(relay, "a");
  const send = [socket, data, loaded(relay, "dataBytes"), p.flags("MSG_NOSIGNAL"), 0, 0];
  p.call("sendto", send, { into: value, on: "any", goto: tell });
  const done = p.label("no more answers");
  const lost = p.label("answers are lost");
  p.set(value, 0);
  p.mark(again);
  const receive = [socket, received, receiveBufferBytes, p.flags("MSG_DONTWAIT"), 0, 0];
  p.call("recvfrom", receive, { into: length, on: "any", goto: done });
  emitTell(relay, { more: 1 });
  p.jump(again);
  p.mark(done);
  p.branch(length, "ne", p.number(-errnoNumber("EAGAIN"), "-EAGAIN"), lost);
  p.set(value, 0);
  p.jump(tell);
  p.mark(lost);
  p.set(value, length);
}

function emitWriteFile(relay: Relay): void {
  const { p, value, tell, path, data } = relay;
  const file = p.slot("file");
  const open = p.label("it is open");
  p.call("openat", [p.flags("AT_FDCWD"), path, p.flags("O_WRONLY|O_CLOEXEC"), 0], {
    into: value,
    on: "any",
    goto: tell,
  });
  p.set(file, value);
  p.call("write", [file, data, loaded(relay, "dataBytes")], { into: value, on: "any", goto: open });
  p.mark(open);
  p.call("close", [file]);
}

function emitReadFile(relay: Relay): void {
  const { p, value, tell, path, received, length } = relay;
  const file = p.slot("file");
  const failed = p.label("it cannot be read");
  p.call("openat", [p.flags("AT_FDCWD"), path, p.flags("O_RDONLY|O_CLOEXEC"), 0], {
    into: value,
    on: "any",
    goto: tell,
  });
  p.set(file, value);
  p.call("read", [file, received, receiveBufferBytes], { into: value, on: "any", goto: failed });
  p.set(length, value);
  emitTell(relay, { more: 1 });
  p.mark(failed);
  p.call("close", [file]);
}

function emitTryBind(relay: Relay): void {
  const { p, value, tell, data } = relay;
  const socket = p.slot("file");
  const bound = p.label("it is known");
  const plain = p.label("not a stream");
  const other = p.label("not IPv6");
  const family = loaded(relay, "a");
  const type = loaded(relay, "b");
  const on = p.bytes(Buffer.from([1, 0, 0, 0]), "[1]");
  p.call("socket", [family, type, loaded(relay, "c")], { into: value, on: "any", goto: tell });
  p.set(socket, value);
  // What connections of the past keep is no obstacle for who listens; another listener is one all the same.
  p.branch(type, "ne", p.flags("SOCK_STREAM"), plain);
  p.call("setsockopt", [socket, p.number(SOL_SOCKET, "SOL_SOCKET"), p.number(SO_REUSEADDR, "SO_REUSEADDR"), on, 4]);
  p.mark(plain);
  // Otherwise "::" stood for IPv4, too.
  p.branch(family, "ne", AF_INET6, other);
  p.call("setsockopt", [socket, p.number(IPPROTO_IPV6, "IPPROTO_IPV6"), p.number(IPV6_V6ONLY, "IPV6_V6ONLY"), on, 4]);
  p.mark(other);
  p.call("bind", [socket, data, loaded(relay, "dataBytes")], { into: value, on: "any", goto: bound });
  p.mark(bound);
  p.call("close", [socket]);
}
