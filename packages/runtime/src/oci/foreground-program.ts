import { constants } from "node:os";
import {
  type Architecture,
  CONTROL_FD,
  type Label,
  POLLFD,
  type Program,
  ProgramBuilder,
  SIGINFO_BYTES,
  SIGINFO_STATUS_OFFSET,
  type Slot,
} from "@orlop/kernel";
import { emitGiveTerminalBack, emitPassSizeOn, emitTakeTerminal } from "./foreground-terminal.ts";

interface Foreground {
  readonly architecture: Architecture;
  /** Pid of the process that is in the foreground. */
  readonly pid: number;
  /** Of its reaper, which is a child of who executes this. */
  readonly reaperPid: number;
  /** The state directory of the process. */
  readonly stateDirectory: string;
  /** The process has a terminal, which the reaper relays to the caller's. */
  readonly terminal: boolean;
}

/** Leaves, where nobody can tell how the process ended. */
const UNKNOWN_STATUS = 1;
/** struct signalfd_siginfo begins with the number. */
const SIGNALFD_SIGINFO_BYTES = 128;

/**
 * What a call becomes whose process is in the foreground: it passes signals on to it, keeps the caller's terminal raw and
 * the container's at its size, and ends with the exit status that it is told over the control socket, in one byte, when
 * everything is done. If whoever tells is gone, the reaper's own exit status says it.
 */
export function compileForeground(foreground: Foreground): Program {
  const p = new ProgramBuilder(foreground.architecture);
  const process = p.slot("process");
  const signals = p.slot("signals");
  const gone = p.label("the process has ended");
  const status = p.slot("status");
  p.role("foreground");
  p.step({ action: "take signals, and find the process" });
  p.set(status, UNKNOWN_STATUS);
  p.set(p.slot("raw"), 0);
  const everything = p.bytes(Buffer.alloc(8, 0xff), "~[]");
  p.call("rt_sigprocmask", [p.flags("SIG_SETMASK"), everything, 0, 8]);
  p.call("signalfd4", [p.number(-1), everything, 8, p.flags("O_CLOEXEC")], { into: signals });
  p.handler(gone);
  p.call("pidfd_open", [foreground.pid, 0], { into: process });
  emitExpectNoExit(p, foreground, gone);
  const settings = foreground.terminal ? emitTakeTerminal(p, foreground.stateDirectory) : undefined;
  emitWatch(p, foreground, { process, signals, gone });
  p.mark(gone);
  emitLearnStatus(p, foreground, status);
  if (settings !== undefined) emitGiveTerminalBack(p, settings);
  p.step({ action: "end as the process did" });
  p.call("exit_group", [status]);
  return p.build();
}

/** Without a record of its end it has not been reaped, so that the pid is its own. */
function emitExpectNoExit(p: ProgramBuilder, { stateDirectory }: Foreground, gone: Label): void {
  const alive = p.label("it lives");
  p.call("faccessat2", [p.flags("AT_FDCWD"), p.text(`${stateDirectory}/exit`), 0, 0], { on: ["ENOENT"], goto: alive });
  p.jump(gone);
  p.mark(alive);
}

interface Watched {
  readonly process: Slot;
  readonly signals: Slot;
  readonly gone: Label;
}

/** Until there is something to hear about the end. */
function emitWatch(p: ProgramBuilder, foreground: Foreground, { process, signals, gone }: Watched): void {
  const { events, revents } = POLLFD.fields;
  const polls = p.buffer(2 * POLLFD.size, "[{signals, POLLIN}, {3, POLLIN}]");
  const info = p.buffer(SIGNALFD_SIGINFO_BYTES, "{signalfd_siginfo}");
  const signal = p.slot("signal");
  const ready = p.slot("ready");
  const watch = p.label("watch");
  const resize = p.label("resize");
  p.step({ action: "pass signals on", why: "asleep until one comes, or word of the end" });
  p.store(polls, 4, signals);
  p.store(polls.at(events.offset), 2, p.flags("POLLIN"));
  p.store(polls.at(POLLFD.size), 4, CONTROL_FD);
  p.store(polls.at(POLLFD.size + events.offset), 2, p.flags("POLLIN"));
  p.mark(watch);
  p.handler(gone);
  p.call("ppoll", [polls, 2, 0, 0, 8], { on: ["EINTR"], goto: watch });
  p.load(ready, polls.at(POLLFD.size + revents.offset), 2);
  p.branch(ready, "ne", 0, gone);
  p.call("read", [signals, info, SIGNALFD_SIGINFO_BYTES]);
  p.load(signal, info, 4);
  p.branch(signal, "eq", p.number(constants.signals.SIGCHLD, "SIGCHLD"), watch);
  if (foreground.terminal) p.branch(signal, "eq", p.number(constants.signals.SIGWINCH, "SIGWINCH"), resize);
  p.call("pidfd_send_signal", [process, signal, 0, 0], { ignore: "any" });
  p.jump(watch);
  if (!foreground.terminal) return;
  p.mark(resize);
  emitPassSizeOn(p);
  p.jump(watch);
}

function emitLearnStatus(p: ProgramBuilder, { reaperPid }: Foreground, status: Slot): void {
  const byte = p.buffer(8, "<status>");
  const info = p.buffer(SIGINFO_BYTES, "{siginfo}");
  const got = p.slot("got");
  const alone = p.label("nobody tells");
  const known = p.label("known");
  const again = p.label("hear");
  p.step({ action: "hear how it ended" });
  p.handler(alone);
  p.mark(again);
  p.call("recvfrom", [CONTROL_FD, byte, 1, 0, 0, 0], { into: got, on: ["EINTR"], goto: again });
  p.branch(got, "eq", 0, alone);
  p.load(status, byte, 1);
  p.jump(known);
  p.mark(alone);
  p.handler(known);
  p.call("waitid", [p.flags("P_PID"), reaperPid, info, p.flags("WEXITED|__WALL"), 0]);
  p.load(status, info.at(SIGINFO_STATUS_OFFSET), 4);
  p.mark(known);
}
