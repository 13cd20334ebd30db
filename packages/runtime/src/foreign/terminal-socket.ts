import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import { emitReceiveDescriptorFrom } from "../process/send-descriptor.ts";
import type { Supervision, SupervisionOptions } from "../process/supervision.ts";
import { emitKeepTerminal } from "../process/terminal.ts";
import { relaysTerminal } from "../process/terminal-relay.ts";

/** In the state directory: where the other runtime sends the terminal. Short, because the path has little room. */
const SOCKET = "tty";

const SOCKADDR_UN_BYTES = 110;
/** sockaddr_un: the family before it, a NUL behind it. */
const SOCKET_PATH_MAX_BYTES = 107;

/** The reaper itself receives the terminal, unless the caller has a console socket of its own. */
export function takesTerminal(s: Supervision): boolean {
  return relaysTerminal(s);
}

/** What `--console-socket` gets. */
export function terminalSocketPath({ stateDirectory, stdio }: SupervisionOptions): string {
  return stdio.consoleSocket ?? join(stateDirectory, SOCKET);
}

export function checkTerminalSocket(s: Supervision): void {
  const path = terminalSocketPath(s);
  if (!takesTerminal(s) || Buffer.byteLength(path) <= SOCKET_PATH_MAX_BYTES) return;
  throw new OrlopError(
    "invalid",
    `Cannot receive terminal at "${path}": the path is longer than the ${SOCKET_PATH_MAX_BYTES} bytes that the kernel takes\n` +
      "Try a state directory with a shorter path.",
  );
}

export function emitListenForTerminal(s: Supervision): void {
  const { p } = s;
  const listener = p.slot("listener");
  const path = terminalSocketPath(s);
  const address = Buffer.alloc(SOCKADDR_UN_BYTES);
  address.writeUInt16LE(1, 0);
  address.write(path, 2);
  p.step({ action: `listen at "${path}" for the terminal`, field: "process.terminal" });
  p.set(s.slots.master, 0);
  p.call("socket", [p.flags("AF_UNIX"), p.flags("SOCK_STREAM|SOCK_CLOEXEC"), 0], { into: listener });
  p.call("bind", [listener, p.bytes(address, `{AF_UNIX, ${JSON.stringify(path)}}`), address.length]);
  p.call("listen", [listener, 1]);
}

/** Somebody has connected: takes the descriptor that comes. */
export function emitAcceptTerminal(s: Supervision): void {
  const { p, slots } = s;
  const connection = p.slot("connection");
  p.step({ action: "take the terminal from the runtime", field: "process.terminal" });
  p.call("accept4", [p.slot("listener"), 0, 0, p.flags("SOCK_CLOEXEC")], { into: connection });
  emitReceiveDescriptorFrom(p, connection, slots.master);
  p.call("close", [connection]);
}

/** After the making: the terminal is here, and takes the size that is asked for. */
export function emitExpectTerminal(s: Supervision): void {
  const { p, slots } = s;
  const there = p.label("the terminal is here");
  p.step({ action: "find the terminal that the runtime was to send", field: "process.terminal" });
  p.call("close", [p.slot("listener")]);
  p.call("unlinkat", [slots.state, p.text(SOCKET), 0]);
  p.branch(slots.master, "ne", 0, there);
  p.fail("ENOTTY");
  p.mark(there);
  emitKeepTerminal(s);
}
