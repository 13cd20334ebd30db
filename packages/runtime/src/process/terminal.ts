import { OrlopError, type Process } from "@orlop/core";
import {
  emitAttach,
  emitCloneMount,
  emitFileInRoot,
  emitOpenInRoot,
  type ProgramBuilder,
  type Slot,
  STATX_BYTES,
  STATX_RDEV_OFFSET,
  socketPathProblem,
  WINSIZE,
} from "@orlop/kernel";
import { emitReceiveDescriptor, emitSendDescriptor, emitSendToSocket } from "./send-descriptor.ts";
import type { Supervision, SupervisionOptions } from "./supervision.ts";
import { ONLCR, TCGETS, TCSETS, TERMIOS, TERMIOS_BYTES } from "./termios.ts";

/** A console socket that cannot be one is refused before anything is made. */
export function checkConsoleSocket({ stdio, terminal }: SupervisionOptions): void {
  const { consoleSocket } = stdio;
  if (consoleSocket === undefined) return;
  const refuse = (problem: string): never => {
    throw new OrlopError("invalid", `Cannot use console socket "${consoleSocket}": ${problem}`);
  };
  if (!terminal) refuse("the process has no terminal");
  const problem = socketPathProblem(consoleSocket);
  if (problem !== undefined) refuse(problem);
}

/**
 * In the child, inside the new root: a terminal of the container's own devpts, for which the child becomes the session's
 * leader. The slave comes from the master by TIOCGPTPEER, never by a path that the image could have prepared
 * (CVE-2025-52565).
 */
export function emitMakeTerminal(s: Supervision, process: Process, root: Slot, console: boolean): void {
  const { p, slots } = s;
  const slave = p.slot("terminal");
  p.step({
    action: "open a terminal",
    field: "process.terminal",
    why: "CVE-2025-52565: by descriptor, in the container's devpts",
  });
  emitOpenInRoot(p, root, "dev/pts/ptmx", slots.master, { flags: "O_RDWR|O_NOCTTY" });
  emitExpectPtmx(p, slots.master);
  p.call("ioctl", [slots.master, p.flags("TIOCSPTLCK"), p.buffer(8, "&0")]);
  p.call("ioctl", [slots.master, p.flags("TIOCGPTPEER"), p.flags("O_RDWR|O_NOCTTY|O_CLOEXEC")], { into: slave });
  p.call("fchown", [slave, process.user.uid, p.number(0xffff_ffff, "-1")]);
  if (process.consoleSize !== undefined) {
    const { height, width } = process.consoleSize;
    p.step({ action: `set terminal size ${width}x${height}`, field: "process.consoleSize" });
    p.call("ioctl", [slots.master, p.flags("TIOCSWINSZ"), p.struct(WINSIZE, { ws_row: height, ws_col: width })]);
  }
  // With the OCI command, as with runc and crun; docker's users get both characters in a pipe, too. Done here: the program
  // may have written before the reaper comes to it.
  if (s.stdio.consoleSocket === undefined && s.exitsAsChild === true) emitPassLinesOn(p, slots.master);
  if (console) emitConsole(p, root, slave);
  p.step({ action: "hand the terminal to the reaper" });
  emitSendDescriptor(s, slots.master);
  p.call("close", [slots.master]);
}

/** /dev/ptmx of any devpts is character device 5:2. */
function emitExpectPtmx(p: ProgramBuilder, fd: Slot): void {
  const stat = p.buffer(STATX_BYTES, "{statx}");
  const rdev = p.slot("rdev");
  const right = p.label("it is a ptmx");
  p.call("statx", [fd, p.text(""), p.flags("AT_EMPTY_PATH"), p.flags("STATX_BASIC_STATS"), stat]);
  p.load(rdev, stat.at(STATX_RDEV_OFFSET), 8);
  p.branch(rdev, "eq", p.number(0x2_0000_0005n, "{major=5, minor=2}"), right);
  p.fail("ENODEV");
  p.mark(right);
}

function emitConsole(p: ProgramBuilder, root: Slot, slave: Slot): void {
  const mount = p.slot("mount");
  const target = p.slot("target");
  p.step({ action: 'bind the terminal to "/dev/console"', field: "process.terminal" });
  emitCloneMount(p, slave, "", false, mount);
  emitFileInRoot(p, root, "/dev/console", target);
  emitAttach(p, mount, target);
  p.call("close", [mount]);
  p.call("close", [target]);
}

/** In the child: the terminal becomes its controlling one, and its stdin, stdout and stderr. */
export function emitInstallTerminal(s: Supervision): void {
  const { p } = s;
  const slave = p.slot("terminal");
  p.step({ action: "make the terminal stdin, stdout and stderr", field: "process.terminal" });
  p.call("ioctl", [slave, p.flags("TIOCSCTTY"), 0]);
  for (const fd of [0, 1, 2]) p.call("dup3", [slave, fd, 0]);
}

/** In the reaper: holds the master, for the relay. */
export function emitKeepTerminal({ p, slots }: Supervision): void {
  // Nobody else has it open: its descriptor is the reaper's alone, which must never wait for it.
  p.call("fcntl", [slots.master, p.flags("F_SETFL"), p.flags("O_RDWR|O_NONBLOCK")]);
  // A side of its own in the reaper: between one process's close and another's open the terminal does not hang up.
  const peer = p.flags("O_RDWR|O_NOCTTY|O_CLOEXEC");
  p.call("ioctl", [slots.master, p.flags("TIOCGPTPEER"), peer], { into: p.slot("terminal") });
  p.call("mknodat", [slots.state, p.text("terminal"), p.number(0o100600, "S_IFREG|0600"), 0]);
}

/**
 * Output goes to what the caller has as its own: its terminal returns the carriage by itself, and what is no terminal is
 * to get lines as the program wrote them. So with runc and crun.
 */
function emitPassLinesOn(p: ProgramBuilder, master: Slot): void {
  const settings = p.buffer(TERMIOS_BYTES, "{termios}");
  const flags = p.slot("flags");
  p.call("ioctl", [master, p.number(TCGETS, "TCGETS"), settings]);
  p.load(flags, settings.at(TERMIOS.oflag), 4);
  p.and(flags, flags, p.number(~ONLCR, "~ONLCR"));
  p.store(settings.at(TERMIOS.oflag), 4, flags);
  p.call("ioctl", [master, p.number(TCSETS, "TCSETS"), settings]);
}

/** In the reaper: takes the master from the child. */
export function emitTakeTerminal(s: Supervision): void {
  s.p.step({ action: "take the terminal from the child", field: "process.terminal" });
  emitReceiveDescriptor(s, s.slots.master);
  emitPassTerminalOn(s);
}

/** In the reaper: keeps the master for the relay, or passes it on where a console socket is asked for. */
export function emitPassTerminalOn(s: Supervision): void {
  const { p, slots } = s;
  const { consoleSocket } = s.stdio;
  if (consoleSocket === undefined) {
    emitKeepTerminal(s);
    return;
  }
  p.step({ action: `send the terminal to console socket "${consoleSocket}"`, field: "process.terminal" });
  emitSendToSocket(p, consoleSocket, slots.master, "/dev/ptmx");
  p.call("close", [slots.master]);
}
