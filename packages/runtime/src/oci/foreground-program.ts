import { constants } from "node:os";
import {
  type Architecture,
  CONTROL_FD,
  emitFindArguments,
  emitReport,
  type Label,
  POLLFD,
  type Program,
  ProgramBuilder,
  REPORT,
  reportBuffer,
  SIGINFO_BYTES,
  SIGINFO_CODE_OFFSET,
  SIGINFO_PID_OFFSET,
  SIGINFO_STATUS_OFFSET,
  type Slot,
} from "@orlop/kernel";
import { DETACHED_MARK } from "../process/detach-keys.ts";
import { emitSayText } from "./emit-say-text.ts";
import { emitGiveTerminalBack, emitPassSizeOn, emitTakeTerminal } from "./foreground-terminal.ts";

export interface ForegroundPlan {
  readonly architecture: Architecture;
  /** Pid of the process that is in the foreground. */
  readonly pid: number;
  /** Of its reaper, which is a child of who executes this. */
  readonly reaperPid: number;
  /** The state directory of the process. */
  readonly stateDirectory: string;
  /** The process has a terminal, which the reaper relays to the caller's. */
  readonly terminal: boolean;
  /** What the call has to say first, on standard error. */
  readonly unsaid: string;
  /** See `Hands`. */
  readonly finishFile: string | undefined;
  /**
   * Where nobody can tell how the process ended: what there is to say, and the exit status. Absent: what the file that finishes
   * the call says, and its exit status.
   */
  readonly unknown?: { readonly text: string; readonly status: number };
}

/** Where nobody can tell how the process ended. */
const UNKNOWN_STATUS = 1;
/** si_code of a child that has exited (include/uapi/asm-generic/siginfo.h). */
const CLD_EXITED = 1;
const STDERR = 2;
/** With it the program still fits into a frame. */
const UNSAID_MAX_BYTES = 256 * 1024;
/** struct signalfd_siginfo begins with the number. */
const SIGNALFD_SIGINFO_BYTES = 128;
const SIGCHLD = constants.signals.SIGCHLD;
const SIGWINCH = constants.signals.SIGWINCH;

/** The program in the making. */
interface Making extends ForegroundPlan {
  readonly p: ProgramBuilder;
  readonly slots: {
    /** A pidfd of the process. */
    readonly process: Slot;
    readonly signals: Slot;
    readonly status: Slot;
    /** How the status is known: {@link KNOWN}. */
    readonly known: Slot;
  };
  /** There may be something to hear about the end. */
  readonly gone: Label;
}

const KNOWN = { not: 0, fromReaper: 1, told: 2 } as const;

/**
 * What a call becomes whose process is in the foreground: it passes signals on to it, keeps the caller's terminal raw and
 * the container's at its size, and ends with the exit status that it is told over the control socket, in one byte, when
 * everything is done. If whoever tells is gone, the reaper's own exit status says it, or what that has written down, and Node
 * does the rest. A process that is let go of by keys goes on: that is 0.
 */
export function compileForeground(foreground: ForegroundPlan): Program {
  const p = new ProgramBuilder(foreground.architecture);
  const slots = {
    process: p.slot("process"),
    signals: p.slot("signals"),
    status: p.slot("status"),
    known: p.slot("known"),
  };
  const making: Making = { ...foreground, p, slots, gone: p.label("the process has ended") };
  p.role("foreground");
  emitPrepare(making);
  const settings = foreground.terminal ? emitTakeTerminal(p, foreground.stateDirectory) : undefined;
  emitWatch(making);
  p.mark(making.gone);
  emitLearnStatus(making);
  if (settings !== undefined) emitGiveTerminalBack(p, settings);
  if (foreground.finishFile !== undefined) emitFinish(making, foreground.finishFile);
  p.step({ action: "end as the process did" });
  p.call("exit_group", [slots.status]);
  return p.build();
}

function emitPrepare({ p, slots, pid, stateDirectory, unsaid, unknown, gone }: Making): void {
  const alive = p.label("it lives");
  p.step({ action: "take signals, and find the process" });
  p.set(slots.status, unknown?.status ?? UNKNOWN_STATUS);
  p.set(slots.known, KNOWN.not);
  p.set(p.slot("raw"), 0);
  const everything = p.bytes(Buffer.alloc(8, 0xff), "~[]");
  p.call("rt_sigprocmask", [p.flags("SIG_SETMASK"), everything, 0, 8]);
  p.call("signalfd4", [p.number(-1), everything, 8, p.flags("O_CLOEXEC")], { into: slots.signals });
  emitReport(p, reportBuffer(p), "started");
  emitSayText(p, STDERR, Buffer.from(unsaid).subarray(0, UNSAID_MAX_BYTES));
  p.handler(gone);
  p.call("pidfd_open", [p.given("process", pid), 0], { into: slots.process });
  // Without a record of its end it has not been reaped, so that the pid is its own.
  p.call("faccessat2", [p.flags("AT_FDCWD"), p.text(`${stateDirectory}/exit`), 0, 0], { on: ["ENOENT"], goto: alive });
  p.jump(gone);
  p.mark(alive);
}

/** Until there is something to hear about the end; also when nobody is left to tell. */
function emitWatch(making: Making): void {
  const { p, slots, gone } = making;
  const { events, revents } = POLLFD.fields;
  const polls = p.buffer(2 * POLLFD.size, "[{signals, POLLIN}, {3, POLLIN}]");
  const info = p.buffer(SIGNALFD_SIGINFO_BYTES, "{signalfd_siginfo}");
  const signal = p.slot("signal");
  const ready = p.slot("ready");
  const watch = p.label("watch");
  const pass = p.label("pass it on");
  const quiet = p.label("nothing is told");
  p.step({ action: "pass signals on", why: "asleep until one comes, or word of the end" });
  p.store(polls, 4, slots.signals);
  p.store(polls.at(events.offset), 2, p.flags("POLLIN"));
  p.store(polls.at(POLLFD.size), 4, CONTROL_FD);
  p.store(polls.at(POLLFD.size + events.offset), 2, p.flags("POLLIN"));
  p.mark(watch);
  p.handler(gone);
  p.call("ppoll", [polls, 2, 0, 0, 8], { on: ["EINTR"], goto: watch });
  p.load(ready, polls.at(POLLFD.size + revents.offset), 2);
  p.branch(ready, "eq", 0, quiet);
  emitHear(making);
  p.branch(slots.known, "ne", KNOWN.not, gone);
  // Nobody will tell any more: from here on the reaper's end counts.
  p.store(polls.at(POLLFD.size), 4, p.number(-1));
  emitLookForReaper(making, "WEXITED|WNOHANG|__WALL", gone);
  p.branch(slots.known, "ne", KNOWN.not, gone);
  emitLookForMark(making);
  p.mark(quiet);
  p.handler(gone);
  p.load(ready, polls.at(revents.offset), 2);
  p.branch(ready, "eq", 0, watch);
  p.call("read", [slots.signals, info, SIGNALFD_SIGINFO_BYTES]);
  p.load(signal, info, 4);
  p.branch(signal, "ne", p.number(SIGCHLD, "SIGCHLD"), pass);
  p.load(ready, polls.at(POLLFD.size), 4);
  p.branch(ready, "eq", CONTROL_FD, watch);
  emitLookForReaper(making, "WEXITED|WNOHANG|__WALL", gone);
  p.branch(slots.known, "ne", KNOWN.not, gone);
  emitLookForMark(making);
  p.jump(watch);
  p.mark(pass);
  emitPassOn(making, signal);
  p.jump(watch);
}

function emitPassOn({ p, slots, terminal }: Making, signal: Slot): void {
  const resize = p.label("resize");
  const passed = p.label("passed on");
  if (terminal) p.branch(signal, "eq", p.number(SIGWINCH, "SIGWINCH"), resize);
  p.call("pidfd_send_signal", [slots.process, signal, 0, 0], { ignore: "any" });
  if (terminal) {
    p.jump(passed);
    p.mark(resize);
    emitPassSizeOn(p);
  }
  p.mark(passed);
}

/** Takes the status off the control socket; where that is closed it stays unknown. */
function emitHear({ p, slots }: Making): void {
  const byte = p.buffer(8, "<status>");
  const got = p.slot("got");
  const nobody = p.label("nobody tells");
  const again = p.label("hear");
  p.mark(again);
  p.handler(nobody);
  p.call("recvfrom", [CONTROL_FD, byte, 1, 0, 0, 0], { into: got, on: ["EINTR"], goto: again });
  p.branch(got, "eq", 0, nobody);
  p.load(slots.status, byte, 1);
  p.set(slots.known, KNOWN.told);
  p.mark(nobody);
}

/** Takes the status off the reaper; where that runs it stays unknown, and where that has none to give it is in its record. */
function emitLookForReaper({ p, slots, reaperPid }: Making, options: string, reaped: Label): void {
  const info = p.buffer(SIGINFO_BYTES, "{siginfo}");
  const pid = p.slot("reaped");
  const runs = p.label("it runs");
  p.handler(reaped);
  p.call("waitid", [p.flags("P_PID"), p.given("reaper", reaperPid), info, p.flags(options), 0]);
  p.load(pid, info.at(SIGINFO_PID_OFFSET), 4);
  p.branch(pid, "eq", 0, runs);
  // One that was killed has not ended as its child did.
  p.load(pid, info.at(SIGINFO_CODE_OFFSET), 4);
  p.branch(pid, "ne", p.number(CLD_EXITED, "CLD_EXITED"), reaped);
  p.load(slots.status, info.at(SIGINFO_STATUS_OFFSET), 4);
  p.set(slots.known, KNOWN.fromReaper);
  p.mark(runs);
}

/** Ends where the reaper has let go of the caller; it has sent a signal to say so. */
function emitLookForMark({ p, slots, stateDirectory, terminal, gone }: Making): void {
  if (!terminal) return;
  const none = p.label("nobody has let go of it");
  const mark = p.text(`${stateDirectory}/${DETACHED_MARK}`);
  p.call("faccessat2", [p.flags("AT_FDCWD"), mark, 0, 0], { on: "any", goto: none });
  p.set(slots.status, 0);
  p.set(slots.known, KNOWN.told);
  p.jump(gone);
  p.mark(none);
}

function emitLearnStatus(making: Making): void {
  const { p, slots, unknown } = making;
  const known = p.label("it is known");
  const reaped = p.label("the reaper has been reaped");
  p.step({ action: "hear how it ended" });
  p.branch(slots.known, "ne", KNOWN.not, known);
  emitHear(making);
  p.branch(slots.known, "ne", KNOWN.not, known);
  emitLookForReaper(making, "WEXITED|__WALL", reaped);
  p.branch(slots.known, "ne", KNOWN.not, known);
  p.mark(reaped);
  emitReadRecord(making);
  p.branch(slots.known, "ne", KNOWN.not, known);
  if (unknown !== undefined) emitSayText(p, STDERR, Buffer.from(unknown.text));
  p.mark(known);
}

/** Takes the status from what the reaper has written down, which it may have done before this process became what it is. */
function emitReadRecord({ p, slots, stateDirectory }: Making): void {
  const { index, value } = REPORT.fields;
  const record = p.buffer(REPORT.size, "{report}");
  const file = p.slot("file");
  const got = p.slot("got");
  const own = p.label("its own status");
  const none = p.label("there is no record");
  p.handler(none);
  const path = p.text(`${stateDirectory}/exit`);
  p.call("openat", [p.flags("AT_FDCWD"), path, p.flags("O_RDONLY|O_CLOEXEC"), 0], { into: file });
  p.call("read", [file, record, REPORT.size], { into: got });
  p.branch(got, "ne", REPORT.size, none);
  p.load(slots.status, record.at(value.offset), 4);
  p.set(slots.known, KNOWN.fromReaper);
  p.load(got, record.at(index.offset), 4);
  p.branch(got, "eq", p.number(CLD_EXITED, "CLD_EXITED"), own);
  p.add(slots.status, slots.status, 128);
  p.mark(own);
  p.mark(none);
}

/** What else was to be done at the end has not been, unless the end was told of. */
function emitFinish({ p, slots, unknown }: Making, finishFile: string): void {
  const child = p.slot("child");
  const info = p.buffer(SIGINFO_BYTES, "{siginfo of Node}");
  const told = p.label("all is done");
  const parent = p.label("wait for Node");
  const cannot = p.label("Node cannot be executed");
  p.step({ action: "finish what the resident process has left" });
  p.branch(slots.known, "eq", KNOWN.told, told);
  p.handler(told);
  p.call("clone", [p.number(SIGCHLD, "SIGCHLD"), 0, 0, 0, 0], { into: child });
  p.branch(child, "ne", 0, parent);
  p.handler(cannot);
  p.call("rt_sigprocmask", [p.flags("SIG_SETMASK"), p.buffer(8, "[]"), 0, 8]);
  emitFindArguments(p);
  p.step({ action: `execute "${finishFile}"`, why: "the container is still to be removed" });
  p.call("execve", [p.text(finishFile), p.slot("argv"), p.slot("envp")]);
  p.mark(cannot);
  p.call("exit_group", [UNKNOWN_STATUS]);
  p.mark(parent);
  p.step({ action: "wait for Node" });
  p.call("waitid", [p.flags("P_PID"), child, info, p.flags("WEXITED|__WALL"), 0]);
  if (unknown === undefined) {
    p.branch(slots.known, "eq", KNOWN.fromReaper, told);
    p.load(slots.status, info.at(SIGINFO_STATUS_OFFSET), 4);
  }
  p.mark(told);
}
