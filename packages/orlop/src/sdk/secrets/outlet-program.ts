import { constants } from "node:os";
import {
  CLONE_ARGS,
  emitConnect,
  emitReport,
  hostArchitecture,
  loopback4,
  POLLFD,
  type Pointer,
  type Program,
  ProgramBuilder,
  reportBuffer,
  SIGACTION,
  type Slot,
} from "@orlop/kernel";
import { emitCarryBothWays } from "../ports/emit-carry.ts";
import { emitEnter, type NamespaceFile } from "../ports/emit-enter.ts";

interface Outlet {
  /** In the order in which they are entered. */
  readonly namespaces: readonly NamespaceFile[];
  /** Of the loopback there. */
  readonly port: number;
  /** Of the unix socket, outside, that takes each connection. */
  readonly socketPath: string;
  /** Of another one: when its other end closes, the outlet ends. */
  readonly controlPath: string;
}

const BACKLOG = 128;
/** include/uapi/asm-generic/signal-defs.h */
const SIG_IGN = 1;
const { SIGCHLD } = constants.signals;

/**
 * A way out of a network namespace: listens at a port of its loopback and carries each connection to a unix socket, which belongs to
 * no network namespace. There are never more processes than connections that are taken at the other side.
 *
 * It reports `started` when it listens.
 */
export function outletProgram({ namespaces, port, socketPath, controlPath }: Outlet): Program {
  const p = new ProgramBuilder(hostArchitecture());
  const report = reportBuffer(p);
  const [failed, leave] = [p.label("failed"), p.label("leave")];
  const [listener, control] = [p.slot("listener"), p.slot("control")];
  p.role("outlet");
  p.step({ action: `take connections to port ${port} of the sandbox's loopback`, why: "secrets are put in outside" });
  p.handler(failed);
  // Nobody waits for those that carry.
  const ignored = p.struct(SIGACTION, { handler: p.number(SIG_IGN, "SIG_IGN") });
  p.call("rt_sigaction", [p.number(SIGCHLD, "SIGCHLD"), ignored, 0, 8]);
  emitConnect(p, controlPath, control);
  emitEnter(p, namespaces);
  p.step({ action: "listen there" });
  // Who has connected may have gone again, and what is waited for is not only the next one.
  p.call("socket", [p.flags("AF_INET"), p.flags("SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK"), 0], { into: listener });
  const address = loopback4(port);
  p.call("bind", [listener, p.bytes(address, `127.0.0.1:${port}`), address.length]);
  p.call("listen", [listener, BACKLOG]);
  emitReport(p, report, "started");
  emitTakeConnections(p, { listener, control, socketPath, leave });
  p.mark(leave);
  p.call("exit_group", [0]);
  p.mark(failed);
  emitReport(p, report, "failed", { index: p.failedIndex, value: p.failedErrno });
  p.call("exit_group", [1]);
  return p.build();
}

interface Taking extends Pick<Outlet, "socketPath"> {
  readonly listener: Slot;
  readonly control: Slot;
  readonly leave: ReturnType<ProgramBuilder["label"]>;
}

function emitTakeConnections(p: ProgramBuilder, { listener, control, socketPath, leave }: Taking): void {
  const [wait, drop] = [p.label("wait"), p.label("is carried, or cannot be")];
  const [inside, outside, carrier, ready] = [p.slot("inside"), p.slot("outside"), p.slot("carrier"), p.slot("ready")];
  const args = p.struct(CLONE_ARGS, { exit_signal: p.number(SIGCHLD, "SIGCHLD") });
  const fds = emitPolled(p, listener, control);
  p.mark(wait);
  p.step({ action: "wait for a connection or the end" });
  p.handler(leave);
  p.set(outside, p.number(-1));
  p.call("ppoll", [fds, 2, 0, 0, 8], { on: ["EINTR"], goto: wait });
  p.load(ready, fds.at(POLLFD.size + POLLFD.fields.revents.offset), 2);
  p.branch(ready, "ne", 0, leave);
  p.call("accept4", [listener, 0, 0, p.flags("SOCK_CLOEXEC")], { into: inside, on: "any", goto: wait });
  // Waits while too many others do: so many processes come of it and no more.
  p.step({ action: "have it taken outside" });
  p.handler(drop);
  emitConnect(p, socketPath, outside);
  p.call("clone3", [args, CLONE_ARGS.size], { into: carrier });
  p.branch(carrier, "ne", 0, drop);
  p.handler(leave);
  for (const other of [listener, control]) p.call("close", [other]);
  emitCarryBothWays(p, inside, outside);
  p.mark(drop);
  for (const each of [outside, inside]) p.call("close", [each], { ignore: "any" });
  p.jump(wait);
}

function emitPolled(p: ProgramBuilder, ...descriptors: readonly Slot[]): Pointer {
  const fds = p.buffer(descriptors.length * POLLFD.size, "[{listener, POLLIN}, {control, POLLIN}]");
  for (const [index, descriptor] of descriptors.entries()) {
    const one = fds.at(index * POLLFD.size);
    p.store(one, 4, descriptor);
    p.store(one.at(POLLFD.fields.events.offset), 2, p.flags("POLLIN"));
  }
  return fds;
}
