import {
  emitReport,
  emitSendWithDescriptor,
  FIRST_DESCRIPTOR,
  hostArchitecture,
  type Program,
  ProgramBuilder,
  reportBuffer,
} from "@orlop/kernel";
import type { HeldHost } from "./user-host.ts";

export interface SocketWish {
  readonly kind: "udp" | "tcp";
  readonly version: 4 | 6;
  /** struct sockaddr_in or sockaddr_in6. */
  readonly address: Uint8Array;
  /** The same with any port, where the other one is not free. */
  readonly fallback: Uint8Array;
}

// include/uapi/linux/in6.h
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;

/**
 * Enters a host's namespaces, makes sockets there, and sends each over the descriptor that Node takes sockets from; then it waits
 * until Node lets go of that.
 */
export function socketProgram({ user, net }: HeldHost, wishes: readonly SocketWish[]): Program {
  const p = new ProgramBuilder(hostArchitecture());
  const [failed, again, done] = [p.label("failed"), p.label("again"), p.label("done")];
  const report = reportBuffer(p);
  p.role("sockets");
  p.step({ action: "enter the host of bridges" });
  p.handler(failed);
  const [users, nets] = [p.slot("users"), p.slot("nets")];
  const flags = p.flags("O_RDONLY|O_CLOEXEC");
  p.call("openat", [p.flags("AT_FDCWD"), p.text(user), flags, 0], { into: users });
  p.call("openat", [p.flags("AT_FDCWD"), p.text(net), flags, 0], { into: nets });
  p.call("setns", [users, p.flags("CLONE_NEWUSER")]);
  p.call("setns", [nets, p.flags("CLONE_NEWNET")]);
  for (const wish of wishes) emitSocket(p, wish);
  p.step({ action: "wait until they are taken" });
  p.mark(again);
  const got = p.slot("got");
  p.call("read", [FIRST_DESCRIPTOR, p.buffer(128, "<answers>"), 128], { into: got, on: "any", goto: done });
  p.branch(got, "ne", 0, again);
  p.mark(done);
  p.call("exit_group", [0]);
  p.mark(failed);
  emitReport(p, report, "failed", { index: p.failedIndex, value: p.failedErrno });
  p.call("exit_group", [1]);
  return p.build();
}

function emitSocket(p: ProgramBuilder, { kind, version, address, fallback }: SocketWish): void {
  const socket = p.slot("socket");
  const bound = p.slot("bound");
  const [taken, ready] = [p.label("taken"), p.label("ready")];
  p.step({ action: `make a socket of ${kind}` });
  const family = p.flags(version === 6 ? "AF_INET6" : "AF_INET");
  const type = kind === "udp" ? "SOCK_DGRAM|SOCK_CLOEXEC|SOCK_NONBLOCK" : "SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK";
  p.call("socket", [family, p.flags(type), 0], { into: socket });
  if (version === 6) {
    const on = p.bytes(Buffer.from([1, 0, 0, 0]), "[1]");
    p.call("setsockopt", [socket, p.number(IPPROTO_IPV6, "IPPROTO_IPV6"), p.number(IPV6_V6ONLY, "IPV6_V6ONLY"), on, 4]);
  }
  p.call("bind", [socket, p.bytes(Buffer.from(address), "<address>"), address.length], {
    into: bound,
    on: ["EADDRINUSE"],
    goto: taken,
  });
  p.jump(ready);
  p.mark(taken);
  p.call("bind", [socket, p.bytes(Buffer.from(fallback), "<address>"), fallback.length]);
  p.mark(ready);
  const message = Buffer.from(nodeMessage(kind, version));
  const at = p.bytes(message, JSON.stringify(message.toString()));
  emitSendWithDescriptor(p, FIRST_DESCRIPTOR, socket, { at, length: message.length });
  p.call("close", [socket]);
}

/** As lib/internal/child_process.js has it for sockets that `subprocess.send` gives away. */
function nodeMessage(kind: "udp" | "tcp", version: 4 | 6): string {
  const own = kind === "udp" ? { type: "dgram.Socket", dgramType: `udp${version}` } : { type: "net.Server" };
  return `${JSON.stringify({ cmd: "NODE_HANDLE", ...own, msg: kind })}\n`;
}
