import { constants } from "node:os";
import {
  CLONE_ARGS,
  emitReport,
  hostArchitecture,
  type Program,
  ProgramBuilder,
  reportBuffer,
  type Slot,
} from "@orlop/kernel";

export interface NamespaceFile {
  readonly path: string;
  readonly flag: "CLONE_NEWUSER" | "CLONE_NEWNET";
}

interface RelayedConnection {
  /** In the order in which they are entered. */
  readonly namespaces: readonly NamespaceFile[];
  readonly port: number;
  /** Of the unix socket that takes the connection, outside. */
  readonly socketPath: string;
  /** What it is told first, as 4 bytes. */
  readonly id: number;
}

/** include/linux/socket.h */
const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const BUFFER_BYTES = 32 * 1024;
/** Bytes of {@link RelayedConnection.id}, little-endian. */
export const CONNECTION_ID_BYTES = 4;

/**
 * One connection into a network namespace: to the port of its loopback, IPv4 or else IPv6, and from there to a unix socket, which
 * belongs to no network namespace. Two processes carry bytes, one each way, until both ends have had enough.
 *
 * It reports `started` when both are connected.
 */
export function portRelayProgram({ namespaces, port, socketPath, id }: RelayedConnection): Program {
  const p = new ProgramBuilder(hostArchitecture());
  const report = reportBuffer(p);
  const [failed, back] = [p.label("failed"), p.label("carry what comes from outside")];
  const [inside, outside, child] = [p.slot("inside"), p.slot("outside"), p.slot("child")];
  p.role("port relay");
  p.step({ action: `carry a connection to port ${port}` });
  p.handler(failed);
  emitEnter(p, namespaces);
  emitConnectInside(p, port, inside);
  p.step({ action: "connect with who has asked" });
  emitSocket(p, p.flags("AF_UNIX"), outside);
  const address = unixAddress(socketPath);
  p.call("connect", [outside, p.bytes(address, JSON.stringify(socketPath)), address.length]);
  const name = Buffer.alloc(CONNECTION_ID_BYTES);
  name.writeUInt32LE(id);
  p.call("sendto", [outside, p.bytes(name, `${id}`), name.length, p.flags("MSG_NOSIGNAL"), 0, 0]);
  emitReport(p, report, "started");
  p.step({ action: "carry bytes both ways" });
  const args = p.struct(CLONE_ARGS, { exit_signal: p.number(constants.signals.SIGCHLD, "SIGCHLD") });
  const buffer = p.buffer(BUFFER_BYTES, "<bytes>");
  p.call("clone3", [args, CLONE_ARGS.size], { into: child });
  p.branch(child, "ne", 0, back);
  emitCarry(p, inside, outside, buffer);
  p.call("exit_group", [0]);
  p.mark(back);
  emitCarry(p, outside, inside, buffer);
  p.call("wait4", [child, 0, 0, 0], { ignore: "any" });
  p.call("exit_group", [0]);
  p.mark(failed);
  emitReport(p, report, "failed", { index: p.failedIndex, value: p.failedErrno });
  p.call("exit_group", [1]);
  return p.build();
}

/** All are opened first: within a user namespace of its own it has no access to processes outside. */
function emitEnter(p: ProgramBuilder, namespaces: readonly NamespaceFile[]): void {
  const flags = p.flags("O_RDONLY|O_CLOEXEC");
  p.step({ action: "enter the namespaces of the port" });
  for (const { path, flag } of namespaces) {
    p.call("openat", [p.flags("AT_FDCWD"), p.text(path), flags, 0], { into: p.slot(flag) });
  }
  for (const { flag } of namespaces) {
    p.call("setns", [p.slot(flag), p.flags(flag)]);
    p.call("close", [p.slot(flag)]);
  }
}

function emitConnectInside(p: ProgramBuilder, port: number, inside: Slot): void {
  const [other, connected] = [p.label("nobody listens at IPv4"), p.label("connected")];
  p.step({ action: `connect to port ${port} of the loopback` });
  emitSocket(p, p.flags("AF_INET"), inside);
  const refused = { on: ["ECONNREFUSED"], goto: other };
  const [four, six] = [loopback4(port), loopback6(port)];
  p.call("connect", [inside, p.bytes(four, `127.0.0.1:${port}`), four.length], refused);
  p.jump(connected);
  p.mark(other);
  p.call("close", [inside]);
  emitSocket(p, p.number(AF_INET6, "AF_INET6"), inside);
  p.call("connect", [inside, p.bytes(six, `[::1]:${port}`), six.length]);
  p.mark(connected);
}

function emitSocket(p: ProgramBuilder, family: ReturnType<ProgramBuilder["number"]>, into: Slot): void {
  p.call("socket", [family, p.flags("SOCK_STREAM|SOCK_CLOEXEC"), 0], { into });
}

/** Until `from` has ended or `to` takes no more, which is told the end then. */
function emitCarry(p: ProgramBuilder, from: Slot, to: Slot, buffer: ReturnType<ProgramBuilder["buffer"]>): void {
  const [again, end] = [p.label("next bytes"), p.label("no more bytes")];
  const [got, sent] = [p.slot("got"), p.slot("sent")];
  p.mark(again);
  p.call("recvfrom", [from, buffer, BUFFER_BYTES, 0, 0, 0], { into: got, on: "any", goto: end });
  p.branch(got, "eq", 0, end);
  // A socket that blocks takes all of it, or fails.
  p.call("sendto", [to, buffer, got, p.flags("MSG_NOSIGNAL"), 0, 0], { into: sent, on: "any", goto: end });
  p.branch(sent, "eq", got, again);
  p.mark(end);
  p.call("shutdown", [to, p.flags("SHUT_WR")], { ignore: "any" });
}

/** struct sockaddr_un (include/uapi/linux/un.h): the family, and the path with its end. */
function unixAddress(path: string): Buffer {
  return Buffer.concat([Buffer.from([AF_UNIX, 0]), Buffer.from(`${path}\0`)]);
}

/** struct sockaddr_in (include/uapi/linux/in.h): family, port, 127.0.0.1, padding. */
function loopback4(port: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16LE(AF_INET, 0);
  bytes.writeUInt16BE(port, 2);
  bytes.set([127, 0, 0, 1], 4);
  return bytes;
}

/** struct sockaddr_in6 (include/uapi/linux/in6.h): family, port, flow, ::1, scope. */
function loopback6(port: number): Buffer {
  const bytes = Buffer.alloc(28);
  bytes.writeUInt16LE(AF_INET6, 0);
  bytes.writeUInt16BE(port, 2);
  bytes[23] = 1;
  return bytes;
}
