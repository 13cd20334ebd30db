import {
  emitConnect,
  emitReport,
  hostArchitecture,
  loopback4,
  loopback6,
  type Program,
  ProgramBuilder,
  reportBuffer,
  type Slot,
} from "@orlop/kernel";
import { emitCarryBothWays } from "./emit-carry.ts";
import { emitEnter, type NamespaceFile } from "./emit-enter.ts";

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
const AF_INET6 = 10;
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
  const failed = p.label("failed");
  const [inside, outside] = [p.slot("inside"), p.slot("outside")];
  p.role("port relay");
  p.step({ action: `carry a connection to port ${port}` });
  p.handler(failed);
  emitEnter(p, namespaces);
  emitConnectInside(p, port, inside);
  p.step({ action: "connect with who has asked" });
  emitConnect(p, socketPath, outside);
  const name = Buffer.alloc(CONNECTION_ID_BYTES);
  name.writeUInt32LE(id);
  p.call("sendto", [outside, p.bytes(name, `${id}`), name.length, p.flags("MSG_NOSIGNAL"), 0, 0]);
  emitReport(p, report, "started");
  emitCarryBothWays(p, inside, outside);
  p.mark(failed);
  emitReport(p, report, "failed", { index: p.failedIndex, value: p.failedErrno });
  p.call("exit_group", [1]);
  return p.build();
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
