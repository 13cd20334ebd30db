import { constants } from "node:os";
import type { Architecture } from "../abi/architecture.ts";
import {
  POLLFD,
  SIGINFO_BYTES,
  SIGINFO_CODE_OFFSET,
  SIGINFO_PID_OFFSET,
  SIGINFO_STATUS_OFFSET,
  TIMESPEC,
} from "../abi/structs.ts";
import { CONTROL_FD, MACHINE_REFUSED_STATUS, REQUEST_ADDRESS, TEXT_ADDRESS } from "../machine/memory-layout.ts";
import { ProgramBuilder } from "../program/builder.ts";
import { INSTRUCTION_BYTES, type Label, type Pointer, type Slot } from "../program/instruction.ts";
import {
  ALIVE,
  BEGUN,
  HEADER,
  HEADER_BYTES,
  HEADER_MAGIC,
  IN_PLACE,
  MACHINE_VERSION,
  PROGRAM_MAX_BYTES,
  type Program,
} from "../program/program.ts";
import { emitReport, reportBuffer } from "./emit-report.ts";

const { SIGCHLD } = constants.signals;

/**
 * Moves the machine into a sealed, anonymous copy of itself and boots again.
 *
 * CVE-2019-5736: a process in a container can reach the executable of any process it sees in /proc. The copy has no
 * name, cannot be written, and is shared by everything the zygote starts.
 */
export function sealProgram(architecture: Architecture, machineBytes: number): Program {
  const p = new ProgramBuilder(architecture);
  p.role("zygote");
  emitSealedCopy(p, (memfd) => p.call("write", [memfd, p.number(TEXT_ADDRESS, "<machine>"), machineBytes]));
  p.step({ action: "execute the sealed machine" });
  p.call("execveat", [p.slot("memfd"), p.text(""), p.vector(["orlop"]), p.vector([]), p.flags("AT_EMPTY_PATH")]);
  p.fail("ENOEXEC");
  return p.build();
}

/** Leaves in slot `memfd` an anonymous file that `copy` has filled and that nobody can write any more. */
export function emitSealedCopy(p: ProgramBuilder, copy: (memfd: Slot) => void): void {
  p.step({ action: "copy the machine into sealed memory", why: "CVE-2019-5736: no container may write it" });
  const memfd = p.slot("memfd");
  const plain = p.label("without MFD_EXEC");
  const made = p.label("made");
  const name = p.text("orlop-machine");
  p.call("memfd_create", [name, p.flags("MFD_CLOEXEC|MFD_ALLOW_SEALING|MFD_EXEC")], {
    into: memfd,
    on: ["EINVAL"],
    goto: plain,
  });
  p.jump(made);
  p.mark(plain); // before Linux 6.3, where every memfd is executable
  p.call("memfd_create", [name, p.flags("MFD_CLOEXEC|MFD_ALLOW_SEALING")], { into: memfd });
  p.mark(made);
  copy(memfd);
  const seals = p.flags("F_SEAL_SEAL|F_SEAL_SHRINK|F_SEAL_GROW|F_SEAL_WRITE");
  p.call("fcntl", [memfd, p.flags("F_ADD_SEALS"), seals]);
}

/**
 * The zygote: waits on the control socket for programs, and starts each in a child of its own.
 *
 * A frame that says so is executed by the zygote itself, as the last it does. A frame is accepted only with the right
 * magic, version, a length within bounds, and the token that the parent chose at start; anything else, and the zygote says `refused` and leaves. When the other end of the socket closes it leaves too;
 * the programs it started decide for themselves whether to follow. It reaps them, and tells of those that were killed
 * instead of leaving. Its children start with SIGCHLD blocked.
 */
export function zygoteProgram(architecture: Architecture, token: Buffer, options: ZygoteOptions = {}): Program {
  const p = new ProgramBuilder(architecture);
  p.role("zygote");
  const leave = p.label("leave");
  p.step({ action: "prepare the zygote" });
  p.call("prctl", [p.flags("PR_SET_NAME"), p.text("orlop-zygote"), 0, 0, 0]);
  // What the caller has open and did not mark is nothing to programs, and no pipe may wait for them to let go of it.
  const firstUnknown = CONTROL_FD + 1 + (options.descriptors ?? 0);
  p.call("close_range", [firstUnknown, p.number(0xffff_ffff, "~0U"), 0]);
  // Out of the caller's session: a Ctrl-C at its terminal is the caller's to handle.
  p.call("setsid", [], { ignore: ["EPERM"] });
  emitMakeCopyPipe(p);
  emitServe(p, token, { leave });
  p.mark(leave);
  p.step({ action: "leave when the other end has closed" });
  p.call("exit_group", [0]);
  return p.build();
}

interface ZygoteOptions {
  /** How many descriptors from 4 up are meant for programs. */
  readonly descriptors?: number;
}

/** A pipe to itself: the way to copy between places that are not both the program's own. */
export function emitMakeCopyPipe(p: ProgramBuilder): void {
  const pipe = p.buffer(8, "{copy_out, copy_in}");
  p.call("pipe2", [pipe, p.flags("O_CLOEXEC")]);
  p.load(p.slot("copy_out"), pipe, 4);
  p.load(p.slot("copy_in"), pipe.at(4), 4);
}

/** How long a zygote waits for a frame: in turns, so that one which ends late, after both sides stood still, is no matter. */
export interface Patience {
  readonly turnMs: number;
  readonly turns: number;
}

interface Serving {
  /** Where to go when the other end has closed. */
  readonly leave: Label;
  /** Where to go with a frame that is none; absent: to an end. */
  readonly refuse?: Label;
  /** Writes what is to happen when a program has come, or that the call has begun. */
  readonly onFrame?: () => void;
  /** Signals do nothing but to be told of; programs begin with all of them blocked. */
  readonly tellsSignals?: boolean;
  /** Absent: it waits for ever. */
  readonly patience?: Patience | undefined;
  /** Writes what is to happen when none has come for so long; `wait` is where it goes on. */
  readonly onSilence?: (wait: Label) => void;
}

/** What every zygote does, from when it has a socket and its copy pipe: takes programs and starts them. */
export function emitServe(
  p: ProgramBuilder,
  token: Buffer,
  { leave, refuse: elsewhere, onFrame, tellsSignals = false, patience, onSilence }: Serving,
): void {
  const refuse = elsewhere ?? p.label("refuse");
  const wait = p.label("wait");
  const receive = p.label("receive");
  const begun = p.label("the call has begun");
  const report = reportBuffer(p);
  const header = p.buffer(HEADER_BYTES, "<frame header>");
  const silence = p.label("nothing comes");
  emitWatchChildren(p, tellsSignals);
  if (patience !== undefined) p.set(p.slot("turns"), 0);
  p.mark(wait);
  emitWait(p, report, receive, { tellsSignals, patience, silence });
  p.jump(wait);
  if (patience !== undefined) {
    p.mark(silence);
    p.add(p.slot("turns"), p.slot("turns"), 1);
    p.branch(p.slot("turns"), "lt", patience.turns, wait);
    p.set(p.slot("turns"), 0);
    onSilence?.(wait);
  }
  p.mark(receive);
  if (patience !== undefined) p.set(p.slot("turns"), 0);
  emitReceive(p, {
    ...{ header, token, leave, refuse },
    ...(patience === undefined ? {} : { alive: wait }),
    ...(onFrame === undefined ? {} : { begun }),
  });
  onFrame?.();
  emitStart(p, header, report);
  p.jump(wait);
  if (onFrame !== undefined) {
    p.mark(begun);
    onFrame();
    p.jump(wait);
  }
  if (elsewhere !== undefined) return;
  p.mark(refuse);
  p.step({ action: "refuse a frame that is none" });
  p.set(p.request, 0);
  emitReport(p, report, "refused");
  p.call("exit_group", [MACHINE_REFUSED_STATUS]);
}

function emitWatchChildren(p: ProgramBuilder, tellsSignals: boolean): void {
  p.step({ action: "prepare to hear of children and programs" });
  const mask = Buffer.alloc(8, tellsSignals ? 0xff : 0);
  if (!tellsSignals) mask.writeBigUInt64LE(1n << BigInt(SIGCHLD - 1));
  const heard = p.bytes(mask, tellsSignals ? "~[]" : "[CHLD]");
  p.call("rt_sigprocmask", [p.flags("SIG_SETMASK"), heard, 0, 8]);
  p.call("signalfd4", [p.number(-1), heard, 8, p.flags("O_CLOEXEC")], { into: p.slot("signals") });
  p.call("fcntl", [CONTROL_FD, p.flags("F_SETFD"), p.flags("FD_CLOEXEC")]);
}

interface Waiting {
  readonly tellsSignals: boolean;
  readonly patience: Patience | undefined;
  /** Where to go after a turn of that. */
  readonly silence: Label;
}

/** Sleeps until a frame comes; in between reaps whoever has ended. */
function emitWait(
  p: ProgramBuilder,
  report: Pointer,
  receive: Label,
  { tellsSignals, patience, silence }: Waiting,
): void {
  const events = POLLFD.fields.events.offset;
  const fds = p.buffer(2 * POLLFD.size, "[{3, POLLIN}, {signals, POLLIN}]");
  const ready = p.slot("ready");
  const sleep = p.label("sleep");
  p.step({ action: "wait for a program or the end of one" });
  p.store(fds, 4, CONTROL_FD);
  p.store(fds.at(events), 2, p.flags("POLLIN"));
  p.store(fds.at(POLLFD.size), 4, p.slot("signals"));
  p.store(fds.at(POLLFD.size + events), 2, p.flags("POLLIN"));
  p.mark(sleep);
  if (patience === undefined) {
    p.call("ppoll", [fds, 2, 0, 0, 8], { on: ["EINTR"], goto: sleep });
  } else {
    const turn = p.buffer(TIMESPEC.size, "{turn}");
    // The kernel writes there what is left of it.
    p.store(turn, 8, Math.floor(patience.turnMs / 1000));
    p.store(turn.at(TIMESPEC.fields.tv_nsec.offset), 8, (patience.turnMs % 1000) * 1_000_000);
    p.call("ppoll", [fds, 2, turn, 0, 8], { into: ready, on: ["EINTR"], goto: sleep });
    p.branch(ready, "eq", 0, silence);
  }
  const noSignal = p.label("no signal");
  p.load(ready, fds.at(POLLFD.size + POLLFD.fields.revents.offset), 2);
  p.branch(ready, "eq", 0, noSignal);
  emitHearSignal(p, report, tellsSignals);
  p.mark(noSignal);
  p.load(ready, fds.at(POLLFD.fields.revents.offset), 2);
  p.branch(ready, "ne", 0, receive);
}

/** It begins with the number. */
const SIGNALFD_SIGINFO_BYTES = 128;

function emitHearSignal(p: ProgramBuilder, report: Pointer, tellsSignals: boolean): void {
  const info = p.buffer(SIGNALFD_SIGINFO_BYTES, "{signalfd_siginfo}");
  const signal = p.slot("signal");
  const child = p.label("a child has ended");
  const heard = p.label("heard");
  p.step({ action: "hear of a signal" });
  p.call("read", [p.slot("signals"), info, SIGNALFD_SIGINFO_BYTES]);
  if (tellsSignals) {
    p.load(signal, info, 4);
    p.branch(signal, "eq", p.number(SIGCHLD, "SIGCHLD"), child);
    p.set(p.request, 0);
    emitReport(p, report, "signalled", { value: signal });
    p.jump(heard);
    p.mark(child);
  }
  emitReap(p, report);
  p.mark(heard);
}

function emitReap(p: ProgramBuilder, report: Pointer): void {
  const info = p.buffer(SIGINFO_BYTES, "{siginfo}");
  const pid = p.slot("reaped");
  const how = p.slot("how");
  const next = p.label("reap");
  const lost = p.label("lost");
  const done = p.label("reaped all");
  p.step({ action: "reap programs that have ended" });
  p.mark(next);
  p.store(info.at(SIGINFO_PID_OFFSET), 4, 0);
  const options = p.flags("WEXITED|WNOHANG|__WALL");
  p.call("waitid", [p.flags("P_ALL"), 0, info, options, 0], { on: ["ECHILD"], goto: done });
  p.load(pid, info.at(SIGINFO_PID_OFFSET), 4);
  p.branch(pid, "eq", 0, done);
  p.load(how, info.at(SIGINFO_CODE_OFFSET), 4);
  p.branch(how, "ne", p.number(1, "CLD_EXITED"), lost);
  p.load(how, info.at(SIGINFO_STATUS_OFFSET), 4);
  p.branch(how, "eq", 0, next);
  p.mark(lost);
  p.set(p.request, 0);
  emitReport(p, report, "lost", { index: how, value: pid });
  p.jump(next);
  p.mark(done);
}

/** Starts the program that was received, in a child, or in this process for good. */
function emitStart(p: ProgramBuilder, header: Pointer, report: Pointer): void {
  const child = p.slot("child");
  const place = p.slot("field");
  const unstarted = p.label("unstarted");
  const begun = p.label("begun");
  const done = p.label("told");
  const elsewhere = p.label("in a child");
  p.step({ action: "start the program in a child" });
  p.load(place, header.at(HEADER.place), 4);
  p.branch(place, "ne", p.number(IN_PLACE, "IN_PLACE"), elsewhere);
  p.enter(REQUEST_ADDRESS);
  p.mark(elsewhere);
  p.call("clone", [p.number(SIGCHLD, "SIGCHLD"), 0, 0, 0, 0], {
    into: child,
    on: "any",
    goto: unstarted,
  });
  p.branch(child, "ne", 0, begun);
  p.enter(REQUEST_ADDRESS);
  p.mark(begun);
  emitReport(p, report, "begun", { value: child });
  p.jump(done);
  p.mark(unstarted);
  emitReport(p, report, "unstarted", { value: child });
  p.mark(done);
}

interface Receiving {
  readonly header: Pointer;
  readonly token: Buffer;
  readonly leave: Label;
  readonly refuse: Label;
  /** Where to go with a frame that only says that its sender is there; absent: it is none. */
  readonly alive?: Label;
  /** Where to go with one that only says that the call has begun; absent: it is none. */
  readonly begun?: Label;
}

/**
 * Takes a frame into the request area: the header first, into our own memory, where it can be judged, then on through a
 * pipe, because a program has no other way to copy; then the rest. The socket's buffer may cut a frame anywhere.
 */
function emitReceive(p: ProgramBuilder, { header, token, leave, refuse, alive, begun }: Receiving): void {
  p.step({ action: "receive a program" });
  p.handler(refuse);
  const got = p.slot("got");
  const field = p.slot("field");
  const length = p.slot("length");
  const wait = p.flags("MSG_WAITALL");
  p.call("recvfrom", [CONTROL_FD, header, HEADER_BYTES, wait, 0, 0], { into: got, on: "any", goto: leave });
  p.branch(got, "eq", 0, leave);
  p.branch(got, "ne", HEADER_BYTES, refuse);
  const expect = (offset: number, width: 4 | 8, value: number | bigint): void => {
    p.load(field, header.at(offset), width);
    p.branch(field, "ne", value, refuse);
  };
  expect(HEADER.magic, 4, HEADER_MAGIC);
  expect(HEADER.version, 4, MACHINE_VERSION);
  expect(HEADER.token, 8, token.readBigUInt64LE(0));
  expect(HEADER.token + 8, 8, token.readBigUInt64LE(8));
  p.load(field, header.at(HEADER.place), 4);
  if (alive !== undefined) p.branch(field, "eq", p.number(ALIVE, "ALIVE"), alive);
  if (begun !== undefined) p.branch(field, "eq", p.number(BEGUN, "BEGUN"), begun);
  p.load(length, header.at(HEADER.length), 4);
  p.branch(length, "lt", HEADER_BYTES + INSTRUCTION_BYTES, refuse);
  p.branch(length, "ge", PROGRAM_MAX_BYTES + 1, refuse);
  p.call("write", [p.slot("copy_in"), header, HEADER_BYTES]);
  p.call("read", [p.slot("copy_out"), p.number(REQUEST_ADDRESS, "<request area>"), HEADER_BYTES]);
  p.add(length, length, p.number(-HEADER_BYTES));
  const rest = p.number(REQUEST_ADDRESS + HEADER_BYTES, "<request area>+64");
  p.call("recvfrom", [CONTROL_FD, rest, length, wait, 0, 0], { into: got });
  p.branch(got, "ne", length, refuse);
  p.load(p.request, header.at(HEADER.request), 4);
}
