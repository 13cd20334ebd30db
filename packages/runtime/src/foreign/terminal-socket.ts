import { createHash } from "node:crypto";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import { emitListen, socketPathProblem } from "@orlop/kernel";
import { emitReceiveDescriptorFrom } from "../process/send-descriptor.ts";
import type { Supervision, SupervisionOptions } from "../process/supervision.ts";
import { emitKeepTerminal } from "../process/terminal.ts";
import { relaysTerminal } from "../process/terminal-relay.ts";

/** In the state directory: where the other runtime sends the terminal. Short, because the path has little room. */
const SOCKET = "tty";

/** The reaper itself receives the terminal, unless the caller has a console socket of its own. */
export function takesTerminal(s: Supervision): boolean {
  return relaysTerminal(s);
}

const HASH_CHARACTERS = 4;

/** That of an exec is beside it in the directory of its container: below that of the exec there is no room left for its path. */
export function execTerminalSocket(containerDirectory: string, execId: string): string {
  const hash = createHash("sha256").update(execId).digest("base64url");
  return join(containerDirectory, `${SOCKET}${hash.slice(0, HASH_CHARACTERS)}`);
}

/** What `--console-socket` gets. */
export function terminalSocketPath({ stateDirectory, terminalSocket, stdio }: SupervisionOptions): string {
  return stdio.consoleSocket ?? terminalSocket ?? join(stateDirectory, SOCKET);
}

export function checkTerminalSocket(s: Supervision): void {
  const path = terminalSocketPath(s);
  const problem = takesTerminal(s) ? socketPathProblem(path) : undefined;
  if (problem === undefined) return;
  throw new OrlopError(
    "invalid",
    `Cannot receive terminal at "${path}": ${problem}\nTry a state directory with a shorter path.`,
  );
}

export function emitListenForTerminal(s: Supervision): void {
  const { p } = s;
  const path = terminalSocketPath(s);
  p.step({ action: `listen at "${path}" for the terminal`, field: "process.terminal" });
  p.set(s.slots.master, 0);
  emitListen(p, path, p.slot("listener"));
}

/** Somebody has connected: takes the descriptor that comes. A runtime that fails before it sends one says itself why. */
export function emitAcceptTerminal(s: Supervision): void {
  const { p, slots } = s;
  const connection = p.slot("connection");
  p.step({ action: "take the terminal from the runtime", field: "process.terminal" });
  p.call("accept4", [p.slot("listener"), 0, 0, p.flags("SOCK_CLOEXEC")], { into: connection });
  const closed = p.label("no terminal came");
  emitReceiveDescriptorFrom(p, connection, slots.master, { closed });
  p.mark(closed);
  p.call("close", [connection]);
}

/** After the making: the terminal is here, and takes the size that is asked for. */
export function emitExpectTerminal(s: Supervision): void {
  const { p, slots } = s;
  const there = p.label("the terminal is here");
  p.step({ action: "find the terminal that the runtime was to send", field: "process.terminal" });
  p.call("close", [p.slot("listener")]);
  p.call("unlinkat", [p.flags("AT_FDCWD"), p.text(terminalSocketPath(s)), 0]);
  p.branch(slots.master, "ne", 0, there);
  p.fail("ENOTTY");
  p.mark(there);
  emitKeepTerminal(s);
}
